import { invariant, LabError } from '../core/errors';
import { checksum128 } from '../formats/hashes';
import type { LabDatabase } from './database';
import { corruptError } from './problems';
import { chunkSizeBytes, type ChunkRecord, type FileRecord } from './schema';

/**
 * Files in chunks. A file is complete or absent: its record turns complete in the transaction that
 * stores its last missing chunk, and chunks of an interrupted write stay for the next attempt.
 */
export class FileStore {
  readonly #database: LabDatabase;
  readonly chunkSizeBytes: number;

  /** @param pieceBytes another chunk size, for tests */
  constructor(database: LabDatabase, pieceBytes = chunkSizeBytes) {
    this.#database = database;
    this.chunkSizeBytes = pieceBytes;
  }

  /** Whether every byte of the file is stored. */
  async has(key: string): Promise<boolean> {
    const record = await this.#database.read(undefined, async (db) => db.get('files', key));
    return record?.isComplete === true;
  }

  /**
   * A stored chunk in memory of the caller's own, or undefined when it is not stored.
   * @throws LabError `store/corrupt` when its bytes are not those that were written; the whole file
   * is dropped by then
   */
  async readChunk(
    key: string,
    sizeBytes: number,
    index: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let record: ChunkRecord | undefined;
    try {
      record = await this.#database.read(undefined, async (db) => {
        const file = await db.get('files', key);
        const isOurs = file?.sizeBytes === sizeBytes && file.chunkSizeBytes === this.chunkSizeBytes;
        return isOurs ? db.get('chunks', [key, index]) : undefined;
      });
    } catch (cause) {
      // The browser lost the value's own file on disk.
      await this.remove(key);
      throw corruptError(key, index, cause);
    }
    if (record === undefined) return undefined;
    const bytes = new Uint8Array(record.bytes);
    const isWhole =
      record.offsetBytes === index * this.chunkSizeBytes &&
      bytes.byteLength === this.#chunkLength(sizeBytes, index) &&
      record.checksum === (await checksum128(bytes));
    if (isWhole) return bytes;
    await this.remove(key);
    throw corruptError(key, index);
  }

  /**
   * Stores a chunk; the bytes are copied.
   * @returns false when it was not stored, for want of storage or space
   */
  async writeChunk(
    key: string,
    sizeBytes: number,
    index: number,
    bytes: Uint8Array,
  ): Promise<boolean> {
    invariant(bytes.byteLength === this.#chunkLength(sizeBytes, index), 'a chunk has its size');
    const chunk: ChunkRecord = {
      fileKey: key,
      index,
      offsetBytes: index * this.chunkSizeBytes,
      bytes: bytes.slice().buffer,
      checksum: await checksum128(bytes),
    };
    return this.#database.write(bytes.byteLength, ['files', 'chunks'], async (transaction) => {
      const files = transaction.objectStore('files');
      const chunks = transaction.objectStore('chunks');
      const range = chunksOf(key);
      const known = await files.get(key);
      if (known?.sizeBytes !== sizeBytes || known.chunkSizeBytes !== this.chunkSizeBytes) {
        await chunks.delete(range);
      }
      await chunks.put(chunk);
      const chunkCount = chunkCountOf(sizeBytes, this.chunkSizeBytes);
      const isComplete = (await chunks.count(range)) === chunkCount;
      const record: FileRecord = {
        key,
        sizeBytes,
        chunkSizeBytes: this.chunkSizeBytes,
        chunkCount,
        isComplete,
        updatedAtMs: Date.now(),
      };
      await files.put(record);
    });
  }

  /**
   * Stores a chunk that must not be lost.
   * @throws LabError `store/denied`, `store/quota`
   */
  async requireChunk(
    key: string,
    sizeBytes: number,
    index: number,
    bytes: Uint8Array,
  ): Promise<void> {
    if (await this.writeChunk(key, sizeBytes, index, bytes)) return;
    const isOpen = await this.#database.isAvailable();
    throw new LabError(
      isOpen ? 'store/quota' : 'store/denied',
      isOpen
        ? 'The browser’s storage has no room for the model; delete stored models, free disk space, or save to a folder instead.'
        : 'The browser gives this page no storage for the model; leave the private window, or save to a folder instead.',
      { details: { file: key, sizeBytes } },
    );
  }

  /** Forgets a file, complete or not. */
  async remove(key: string): Promise<void> {
    await this.#database.write(0, ['files', 'chunks'], async (transaction) => {
      await transaction.objectStore('files').delete(key);
      await transaction.objectStore('chunks').delete(chunksOf(key));
    });
  }

  #chunkLength(sizeBytes: number, index: number): number {
    return Math.min(this.chunkSizeBytes, sizeBytes - index * this.chunkSizeBytes);
  }
}

/** At least one, so that an empty file has a chunk that makes it complete. */
export function chunkCountOf(sizeBytes: number, pieceBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / pieceBytes));
}

/** All chunks of one file: arrays sort after numbers, so `[key, []]` is above every index. */
export function chunksOf(key: string): IDBKeyRange {
  return IDBKeyRange.bound([key], [key, []]);
}
