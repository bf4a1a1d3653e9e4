import { createSHA256, createXXHash128, xxhash128, type IHasher } from 'hash-wasm';

/** Hashed at a time, so that the copy into the hash's own memory stays small. */
const pieceBytes = 4 << 20;

/** A hash over bytes that come one run after another. */
export interface StreamHash {
  /** The bytes may change when this has settled. */
  update(bytes: Uint8Array): void | Promise<void>;
  /** What another hash of its kind goes on from; absent where that cannot be had. Not after the end. */
  save?(): Uint8Array | Promise<Uint8Array>;
  /** Lower-case hexadecimal; call it once, at the end. */
  digestHex(): string | Promise<string>;
  /** Frees what works for the hash elsewhere, if anything; call it whatever happened. */
  dispose?(): void;
}

/** Begins a SHA-256, or goes on with one from what it saved. */
export type CreateHash = (state?: Uint8Array) => StreamHash | Promise<StreamHash>;

/** A hash that is computed at once, by the caller's own thread. */
export interface SyncHash extends StreamHash {
  update(bytes: Uint8Array): void;
  save(): Uint8Array;
  /** Goes on from what a hash saved. */
  load(state: Uint8Array): void;
  digestHex(): string;
}

/**
 * SHA-256 over a stream, in WebAssembly.
 * @param state goes on from it
 * @throws Error when that is no state, or one of another version of the library
 */
export async function sha256Stream(state?: Uint8Array): Promise<SyncHash> {
  const hasher = await createSHA256();
  if (state !== undefined) hasher.load(state);
  return streamOf(hasher);
}

function streamOf(hasher: IHasher): SyncHash {
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

/** `checksum128` over a stream. */
export async function checksumStream(): Promise<SyncHash> {
  return streamOf(await createXXHash128());
}
