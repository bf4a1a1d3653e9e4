import { createSHA256, xxhash128 } from 'hash-wasm';

/** Hashed at a time, so that the copy into the hash's own memory stays small. */
const pieceBytes = 4 << 20;

/** SHA-256 of `bytes` in lower-case hexadecimal, as manifests and model cards state it. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const stream = new Sha256Stream(await createSHA256());
  stream.update(bytes);
  return stream.digest();
}

/** SHA-256 of bytes that arrive in parts. */
export class Sha256Stream {
  readonly #hasher: Awaited<ReturnType<typeof createSHA256>>;

  constructor(hasher: Awaited<ReturnType<typeof createSHA256>>) {
    this.#hasher = hasher;
  }

  static async create(): Promise<Sha256Stream> {
    return new Sha256Stream(await createSHA256());
  }

  update(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
      this.#hasher.update(bytes.subarray(offset, offset + pieceBytes));
    }
  }

  /** Lower-case hexadecimal; the stream cannot be used afterwards. */
  digest(): string {
    return this.#hasher.digest('hex');
  }
}

/**
 * XXH3-128 in hexadecimal: tells damaged bytes from whole ones about ten times faster than SHA-256.
 * It is no protection against bytes made to deceive, so it never names what came from elsewhere.
 */
export async function checksum128(bytes: Uint8Array): Promise<string> {
  return xxhash128(bytes);
}
