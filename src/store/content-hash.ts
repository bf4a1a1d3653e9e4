import { createSHA256, type IHasher } from 'hash-wasm';

/** Hashed at a time, so that the copy into the hash's own memory stays small. */
const pieceBytes = 4 << 20;

const sha256Key = /^sha256:[0-9a-f]{64}$/;

/** Whether a file's key promises the SHA-256 of its bytes. */
export function namesSha256(key: string): boolean {
  return sha256Key.test(key);
}

/**
 * SHA-256 of files that come in chunks, over visits: what has been hashed lies in the file's record
 * and nowhere else, so one hasher serves all files. After its only `await` each method has the
 * hasher to itself.
 */
export class ContentHash {
  #hasher: Promise<IHasher> | undefined;

  /** The state after `bytes`, which follow those of `state`; undefined begins a file. */
  async advance(state: Uint8Array | undefined, bytes: Uint8Array): Promise<Uint8Array> {
    const hasher = await (this.#hasher ??= createSHA256());
    if (state === undefined) hasher.init();
    else hasher.load(state);
    for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
      hasher.update(bytes.subarray(offset, offset + pieceBytes));
    }
    return hasher.save();
  }

  /** The key that a file whose hashing ended in `state` deserves. */
  async keyOf(state: Uint8Array): Promise<string> {
    const hasher = await (this.#hasher ??= createSHA256());
    return `sha256:${hasher.load(state).digest('hex')}`;
  }
}
