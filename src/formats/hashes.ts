import { createSHA256, xxhash128 } from 'hash-wasm';

/** Hashed at a time, so that the copy into the hash's own memory stays small. */
const pieceBytes = 4 << 20;

/** SHA-256 of `bytes` in lower-case hexadecimal, as manifests and model cards state it. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const hasher = await createSHA256();
  for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
    hasher.update(bytes.subarray(offset, offset + pieceBytes));
  }
  return hasher.digest('hex');
}

/**
 * XXH3-128 in hexadecimal: tells damaged bytes from whole ones about ten times faster than SHA-256.
 * It is no protection against bytes made to deceive, so it never names what came from elsewhere.
 */
export async function checksum128(bytes: Uint8Array): Promise<string> {
  return xxhash128(bytes);
}
