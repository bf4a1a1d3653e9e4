import { invariant } from '../core/errors';
import { chunkCountOf, type FileStore } from './file-store';

/** Collects ordered bytes into chunks and stores them; the file is absent until the last byte. */
export class FileWriter {
  readonly #store: FileStore;
  readonly #key: string;
  readonly #sizeBytes: number;
  #chunk: Uint8Array;
  #chunkIndex = 0;
  #filledBytes = 0;

  constructor(store: FileStore, key: string, sizeBytes: number) {
    this.#store = store;
    this.#key = key;
    this.#sizeBytes = sizeBytes;
    this.#chunk = new Uint8Array(Math.min(store.chunkSizeBytes, sizeBytes));
  }

  /**
   * Takes the next bytes.
   * @throws LabError `store/denied`, `store/quota`; call `abort` then
   */
  async write(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < bytes.byteLength) {
      const room = this.#chunk.byteLength - this.#filledBytes;
      invariant(room > 0, 'a file gets no more bytes than were announced');
      const part = bytes.subarray(offset, offset + room);
      this.#chunk.set(part, this.#filledBytes);
      this.#filledBytes += part.byteLength;
      offset += part.byteLength;
      if (this.#filledBytes === this.#chunk.byteLength) await this.#flush();
    }
  }

  /** Checks that every announced byte came; only then is the file present. */
  async finish(): Promise<void> {
    if (this.#sizeBytes === 0) await this.#flush();
    invariant(
      this.#chunkIndex === chunkCountOf(this.#sizeBytes, this.#store.chunkSizeBytes),
      'a file gets as many bytes as were announced',
    );
  }

  /** Drops what was written. */
  async abort(): Promise<void> {
    await this.#store.remove(this.#key);
  }

  async #flush(): Promise<void> {
    await this.#store.requireChunk(this.#key, this.#sizeBytes, this.#chunkIndex, this.#chunk);
    this.#chunkIndex += 1;
    const leftBytes = this.#sizeBytes - this.#chunkIndex * this.#store.chunkSizeBytes;
    this.#filledBytes = 0;
    this.#chunk = new Uint8Array(Math.max(0, Math.min(this.#store.chunkSizeBytes, leftBytes)));
  }
}
