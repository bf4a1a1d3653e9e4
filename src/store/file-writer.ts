import { invariant, LabError } from '../core/errors';
import { chunkCountOf } from './file-catalogue';
import type { FileStore, WriteOptions } from './file-store';

type Alongside = WriteOptions['alongside'];

export interface FileWriterOptions {
  /** Where the file lies (`LabStore.driverFor`); IndexedDB unless told. */
  readonly driver?: WriteOptions['driver'];
  /** Goes on after so many stored chunks: the next byte is that at `fromChunk * chunkSizeBytes`. */
  readonly fromChunk?: number | undefined;
  /**
   * The record to store in the transaction of each chunk, given how many chunks are durable with it;
   * asked when the chunk's last byte has come.
   */
  readonly alongside?: ((durableChunkCount: number) => Alongside | Promise<Alongside>) | undefined;
}

/**
 * Collects ordered bytes into chunks and stores each while the next is being filled; the file is
 * absent until the last byte. A chunk is durable when the next one is full, or when `finish` settles.
 */
export class FileWriter {
  readonly #store: FileStore;
  readonly #key: string;
  readonly #sizeBytes: number;
  readonly #options: FileWriterOptions;
  #chunk: Uint8Array;
  #chunkIndex = 0;
  #filledBytes = 0;
  #hasBegun = false;
  /** The storing of the chunk before this one. */
  #storing: Promise<void> = Promise.resolve();

  constructor(store: FileStore, key: string, sizeBytes: number, options: FileWriterOptions = {}) {
    this.#store = store;
    this.#key = key;
    this.#sizeBytes = sizeBytes;
    this.#options = options;
    this.#chunkIndex = options.fromChunk ?? 0;
    this.#chunk = this.#blank();
  }

  /**
   * A writer that goes on after the chunks that are stored; give it the bytes from `offsetBytes` on.
   * @param chunkCount how many to keep at most, as a journal knows them
   */
  static async resume(
    store: FileStore,
    key: string,
    sizeBytes: number,
    options: Omit<FileWriterOptions, 'fromChunk'> & { readonly chunkCount?: number } = {},
  ): Promise<FileWriter> {
    const { chunkCount = Infinity, ...rest } = options;
    const storedCount = await store.storedChunkCount(key, sizeBytes);
    return new FileWriter(store, key, sizeBytes, {
      ...rest,
      fromChunk: Math.min(chunkCount, storedCount),
    });
  }

  /** Where in the file the next byte goes. */
  get offsetBytes(): number {
    const offsetBytes = this.#chunkIndex * this.#store.chunkSizeBytes + this.#filledBytes;
    return Math.min(this.#sizeBytes, offsetBytes);
  }

  /**
   * Takes the next bytes.
   * @throws LabError `store/denied`, `store/quota`, for these bytes or those before them; call `abort`
   * then, or `resume` later
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

  /**
   * Checks that every announced byte came; only then is the file present.
   * @throws LabError `store/corrupt` when the file was deleted while it was written
   */
  async finish(): Promise<void> {
    if (this.#sizeBytes === 0 && this.#chunkIndex === 0) await this.#flush();
    await this.#storing;
    invariant(
      this.#chunkIndex === chunkCountOf(this.#sizeBytes, this.#store.chunkSizeBytes),
      'a file gets as many bytes as were announced',
    );
    if (await this.#store.has(this.#key)) return;
    throw new LabError(
      'store/corrupt',
      `${this.#key} was deleted while it was written; start the run again.`,
      { details: { file: this.#key } },
    );
  }

  /** Drops what was written. */
  async abort(): Promise<void> {
    await this.#store.remove(this.#key);
  }

  async #flush(): Promise<void> {
    await this.#storing;
    if (!this.#hasBegun) await this.#store.makeWay(this.#key, this.#chunkIndex);
    this.#hasBegun = true;
    const index = this.#chunkIndex;
    const options = {
      driver: this.#options.driver,
      alongside: await this.#options.alongside?.(index + 1),
    };
    this.#storing = this.#store.requireChunk(
      this.#key,
      this.#sizeBytes,
      index,
      this.#chunk,
      options,
    );
    // Heard by the next chunk or at the end.
    this.#storing.catch(() => undefined);
    this.#chunkIndex = index + 1;
    this.#filledBytes = 0;
    this.#chunk = this.#blank();
  }

  #blank(): Uint8Array {
    const leftBytes = this.#sizeBytes - this.#chunkIndex * this.#store.chunkSizeBytes;
    return new Uint8Array(Math.max(0, Math.min(this.#store.chunkSizeBytes, leftBytes)));
  }
}
