import { invariant, LabError } from '../core/errors';
import { checksum128 } from '../formats/hashes';
import type { ChunkDriver } from './chunk-driver';
import { ContentHash, namesSha256 } from './content-hash';
import type { LabDatabase } from './database';
import { FileCatalogue } from './file-catalogue';
import { KeyedTurns } from './keyed-turns';
import { LastUse } from './last-use';
import { corruptError, isQuotaFailure, notStoredError, wrongHashError } from './problems';
import type { DriverId, FileRecord, RunRecord } from './schema';
import type { StoredFile } from './storage-details';

export interface WriteOptions {
  /**
   * Where a file that begins with this chunk lies. Files of one chunk, and all files where this context
   * cannot write elsewhere, lie in IndexedDB.
   */
  readonly driver?: DriverId | undefined;
  /** Stored in the chunk's own transaction: both are there afterwards, or neither. */
  readonly alongside?: RunRecord | undefined;
}

/**
 * Files in chunks. A file is complete or absent: its record turns complete in the transaction that
 * stores its last missing chunk, and only when a SHA-256 in its key is that of its bytes. Chunks of
 * an interrupted write stay for the next attempt. Every chunk is checked whenever it is read.
 */
export class FileStore {
  readonly chunkSizeBytes: number;
  readonly #database: LabDatabase;
  readonly #catalogue: FileCatalogue;
  readonly #drivers: ReadonlyMap<DriverId, ChunkDriver>;
  readonly #hash = new ContentHash();
  readonly #turns = new KeyedTurns();
  readonly #lastUse: LastUse;
  #isSwept = false;

  readonly #onAlongside: (record: RunRecord) => void;

  /** @param onAlongside told of each record that was stored with a chunk */
  constructor(
    database: LabDatabase,
    pieceBytes: number,
    drivers: readonly ChunkDriver[],
    onAlongside: (record: RunRecord) => void,
  ) {
    this.#database = database;
    this.#onAlongside = onAlongside;
    this.chunkSizeBytes = pieceBytes;
    this.#catalogue = new FileCatalogue(database, pieceBytes);
    this.#lastUse = new LastUse(this.#catalogue);
    this.#drivers = new Map(drivers.map((driver) => [driver.id, driver]));
  }

  /**
   * Whether every byte of the file is stored and, where its key is a SHA-256, is what that says. A
   * file whose check was cut short is checked now; one that fails it is dropped.
   */
  async has(key: string): Promise<boolean> {
    const file = await this.#catalogue.find(key);
    if (file === undefined || file.isComplete) return file?.isComplete === true;
    if (!namesSha256(key)) return false;
    if ((await this.#catalogue.storedIndices(key)).length < file.chunkCount) return false;
    try {
      return await this.#turns.run(key, async () => this.#verify(key));
    } catch (error) {
      if (error instanceof LabError) return false;
      throw error;
    }
  }

  /** How many chunks from the first on are stored without a gap; 0 when the size is another. */
  async storedChunkCount(key: string, sizeBytes: number): Promise<number> {
    if (!this.#catalogue.fits(await this.#catalogue.find(key), sizeBytes)) return 0;
    const indices = await this.#catalogue.storedIndices(key);
    const gap = indices.findIndex((index, position) => index !== position);
    return gap < 0 ? indices.length : gap;
  }

  /** Indices of the chunks that are stored. */
  async storedChunks(key: string, sizeBytes: number): Promise<Set<number>> {
    if (!this.#catalogue.fits(await this.#catalogue.find(key), sizeBytes)) return new Set();
    return new Set(await this.#catalogue.storedIndices(key));
  }

  /**
   * A stored chunk, or undefined when it is not stored: in memory of its own, or in the first bytes
   * of `into`, which may be shared memory and must be as long as the chunk at least.
   * @throws LabError `store/corrupt` when its bytes are not those that were written; the chunk is
   * dropped by then
   */
  async readChunk(
    key: string,
    sizeBytes: number,
    index: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const lengthBytes = this.#chunkLength(sizeBytes, index);
    const target = into?.subarray(0, lengthBytes);
    let found: Awaited<ReturnType<FileCatalogue['findChunk']>>;
    let cause: unknown;
    try {
      found = await this.#catalogue.findChunk(key, sizeBytes, index);
      if (found === undefined) return undefined;
      const { file, chunk } = found;
      const bytes = await this.#driverOf(file).read(file, chunk, lengthBytes, target);
      const isWhole =
        chunk.offsetBytes === index * this.chunkSizeBytes &&
        bytes.byteLength === lengthBytes &&
        chunk.checksum === (await checksum128(bytes));
      this.#lastUse.note(file);
      if (isWhole) return bytes;
    } catch (failure) {
      cause = failure;
    }
    const now = await this.#catalogue.find(key);
    // Another tab may have deleted the file while it was read.
    const isGone = found !== undefined && now?.generation !== found.file.generation;
    if (now === undefined || isGone) return undefined;
    await this.#catalogue.dropChunks(now, index, index);
    throw corruptError(key, index, cause);
  }

  /**
   * Stores a chunk; `bytes` must not change until that is done.
   * @returns false when it was not stored, for want of storage or space
   * @throws LabError `hub/wrong-hash` when it was the last chunk of a file that is not what its key
   * says; the file is dropped by then
   */
  async writeChunk(
    key: string,
    sizeBytes: number,
    index: number,
    bytes: Uint8Array,
    options: WriteOptions = {},
  ): Promise<boolean> {
    invariant(bytes.byteLength === this.#chunkLength(sizeBytes, index), 'a chunk has its size');
    return this.#turns.run(key, async () => {
      const write = async (): Promise<boolean | 'gone'> =>
        this.#write(key, sizeBytes, index, bytes, options);
      // A file that was deleted under the write begins anew, once.
      const first = await write();
      return (first === 'gone' ? await write() : first) === true;
    });
  }

  /**
   * Stores a chunk that must not be lost.
   * @throws LabError `store/denied`, `store/quota`, and what `writeChunk` throws
   */
  async requireChunk(
    key: string,
    sizeBytes: number,
    index: number,
    bytes: Uint8Array,
    options: WriteOptions = {},
  ): Promise<void> {
    if (await this.writeChunk(key, sizeBytes, index, bytes, options)) return;
    throw notStoredError(key, sizeBytes, await this.#database.isAvailable());
  }

  /** Whether new files can be stored with a driver from here. */
  canWrite(driver: DriverId): boolean {
    return this.#drivers.get(driver)?.canWrite === true;
  }

  /** All files, and how many bytes of each are stored. */
  async list(): Promise<StoredFile[]> {
    return this.#catalogue.list();
  }

  /**
   * Makes way for chunks that are written in order from `fromChunk` on: those that are there go,
   * unless they are the beginning of such a file in the making and will be replaced one by one.
   */
  async makeWay(key: string, fromChunk: number): Promise<void> {
    const file = await this.#catalogue.find(key);
    if (file === undefined) return;
    const indices = await this.#catalogue.storedIndices(key);
    const isBeginning = indices.length === 0 || indices.at(-1) === indices.length - 1;
    if (isBeginning && indices.length < file.chunkCount) return;
    if (fromChunk === 0) await this.remove(key);
    else await this.#catalogue.dropChunks(file, fromChunk);
  }

  /** Forgets a file, complete or not, when what is being written to it has been written. */
  async remove(key: string): Promise<void> {
    await this.#turns.run(key, async () => this.removeAll([key]));
  }

  /** Forgets files together, at once. */
  async removeAll(keys: Iterable<string>): Promise<void> {
    await this.free(await this.#catalogue.remove(keys));
  }

  /** Frees what files occupy that have left the catalogue. */
  async free(files: readonly FileRecord[]): Promise<void> {
    for (const file of files) await this.#driverOf(file).drop(file);
  }

  async #write(
    key: string,
    sizeBytes: number,
    index: number,
    bytes: Uint8Array,
    options: WriteOptions,
  ): Promise<boolean | 'gone'> {
    this.#sweep();
    const isSmall = sizeBytes <= this.chunkSizeBytes;
    const wanted = isSmall ? 'indexeddb' : (options.driver ?? 'indexeddb');
    const driverId = this.canWrite(wanted) ? wanted : 'indexeddb';
    const begun = await this.#catalogue.begin(key, sizeBytes, driverId);
    if (begun === undefined) return false;
    if (begun.replaced !== undefined) await this.free([begun.replaced]);
    const { file } = begun;
    const driver = this.#driverOf(file);
    // Begun in a worker that can write to it; this context cannot.
    if (!driver.canWrite) return false;
    const hashed = await this.#hashedWith(file, index, bytes);
    if (hashed?.chunkCount === file.chunkCount) await this.#compare(file, hashed.state);
    const checksum = await checksum128(bytes);
    let body: Awaited<ReturnType<ChunkDriver['write']>>;
    try {
      body = await driver.write(file, index, bytes);
    } catch (cause) {
      if (!isQuotaFailure(cause)) throw cause;
      await this.#database.tellFull(bytes.byteLength, cause);
      return false;
    }
    const offsetBytes = index * this.chunkSizeBytes;
    const outcome = await this.#catalogue.commit({
      file,
      chunk: { fileKey: key, index, offsetBytes, checksum, ...body },
      sizeBytes: bytes.byteLength,
      hashed,
      alongside: options.alongside,
    });
    if (outcome === 'gone') return 'gone';
    if (outcome !== 'refused' && options.alongside !== undefined) {
      this.#onAlongside(options.alongside);
    }
    if (outcome === 'unverified') await this.#verify(key);
    return outcome !== 'refused';
  }

  /** The hash with this chunk, when all chunks before it are in the hash already. */
  async #hashedWith(
    file: FileRecord,
    index: number,
    bytes: Uint8Array,
  ): Promise<FileRecord['hashed']> {
    if (!namesSha256(file.key) || (file.hashed?.chunkCount ?? 0) !== index) return undefined;
    const state = await this.#hash.advance(file.hashed?.state, bytes);
    return { chunkCount: index + 1, state };
  }

  /** Hashes what is stored but not hashed yet. */
  async #verify(key: string): Promise<boolean> {
    const file = await this.#catalogue.find(key);
    if (file === undefined || file.isComplete) return file?.isComplete === true;
    let state = file.hashed?.state;
    for (let index = file.hashed?.chunkCount ?? 0; index < file.chunkCount; index++) {
      const bytes = await this.readChunk(key, file.sizeBytes, index);
      if (bytes === undefined) return false;
      state = await this.#hash.advance(state, bytes);
    }
    invariant(state, 'a file has a chunk');
    await this.#compare(file, state);
    const hashed = { chunkCount: file.chunkCount, state };
    return this.#catalogue.update(file, { isComplete: true, hashed });
  }

  /** Drops a file that is not what its key says. */
  async #compare(file: FileRecord, state: Uint8Array): Promise<void> {
    const found = await this.#hash.keyOf(state);
    if (found === file.key) return;
    await this.removeAll([file.key]);
    throw wrongHashError(file.key, found);
  }

  /** Once a visit, behind the first write: frees what a crash left. */
  #sweep(): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    const listed = async (): Promise<FileRecord[] | undefined> => this.#catalogue.all();
    for (const driver of this.#drivers.values()) driver.sweep(listed).catch(() => undefined);
  }

  #driverOf(file: FileRecord): ChunkDriver {
    const driver = this.#drivers.get(file.driver);
    invariant(driver, 'every driver of the catalogue is there');
    return driver;
  }

  #chunkLength(sizeBytes: number, index: number): number {
    return Math.min(this.chunkSizeBytes, sizeBytes - index * this.chunkSizeBytes);
  }
}
