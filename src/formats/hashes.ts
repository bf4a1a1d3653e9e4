import { createSHA256, xxhash128 } from 'hash-wasm';

/** Hashed at a time, so that the copy into the hash's own memory stays small. */
const pieceBytes = 4 << 20;

/** A hash over bytes that come one run after another. */
export interface StreamHash {
  /** The bytes may change when this has settled. */
  update(bytes: Uint8Array): void | Promise<void>;
  /** Lower-case hexadecimal; call it once, at the end. */
  digestHex(): string | Promise<string>;
  /** Frees what works for the hash elsewhere, if anything; call it whatever happened. */
  dispose?(): void;
}

/** Begins a SHA-256. */
export type CreateHash = () => StreamHash | Promise<StreamHash>;

/** A hash that is computed at once, by the caller's own thread. */
export interface SyncHash extends StreamHash {
  update(bytes: Uint8Array): void;
  save(): Uint8Array;
  /** Goes on from what a hash saved. */
  load(state: Uint8Array): void;
  digestHex(): string;
}

/** SHA-256 over a stream, in WebAssembly. */
export async function sha256Stream(): Promise<SyncHash> {
  const hasher = await createSHA256();
  return {
    update: (bytes) => {
      for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
        hasher.update(bytes.subarray(offset, offset + pieceBytes));
      }
    },
    save: () => hasher.save(),
    load: (state) => {
      hasher.load(state);
    },
    digestHex: () => hasher.digest('hex'),
  };
}

/** SHA-256 of `bytes` in lower-case hexadecimal, as manifests and model cards state it. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const hash = await sha256Stream();
  hash.update(bytes);
  return hash.digestHex();
}

/**
 * XXH3-128 in hexadecimal: tells damaged bytes from whole ones about ten times faster than SHA-256.
 * It is no protection against bytes made to deceive, so it never names what came from elsewhere.
 */
export async function checksum128(bytes: Uint8Array): Promise<string> {
  return xxhash128(bytes);
}
