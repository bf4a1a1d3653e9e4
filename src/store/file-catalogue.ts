import type { LabDatabase } from './database';
import { namesSha256 } from './content-hash';
import type { ChunkRecord, DriverId, FileRecord, RunRecord } from './schema';
import type { StoredFile } from './storage-details';

/** What a commit made of a file; `gone` and `refused` committed nothing. */
export type CommitOutcome = 'partial' | 'unverified' | 'complete' | 'gone' | 'refused';

/** What is committed in one transaction. */
export interface Commit {
  readonly file: FileRecord;
  readonly chunk: ChunkRecord;
  readonly sizeBytes: number;
  /** The hash of chunks 0 to this one, when it is known. */
  readonly hashed: FileRecord['hashed'];
  /** A record that must not be ahead of the chunk, nor behind it. */
  readonly alongside: RunRecord | undefined;
}

/**
 * Which files there are and which of their chunks can be relied on. Other tabs and workers change it
 * too, so nothing of it is remembered: every answer is one transaction.
 */
export class FileCatalogue {
  readonly #database: LabDatabase;
  readonly #chunkSizeBytes: number;

  constructor(database: LabDatabase, chunkSizeBytes: number) {
    this.#database = database;
    this.#chunkSizeBytes = chunkSizeBytes;
  }

  async find(key: string): Promise<FileRecord | undefined> {
    return this.#database.read(undefined, async (db) => db.get('files', key));
  }

  /** Whether a record is of the size that a reader expects, and in chunks of our size. */
  fits(file: FileRecord | undefined, sizeBytes: number): file is FileRecord {
    return file?.sizeBytes === sizeBytes && file.chunkSizeBytes === this.#chunkSizeBytes;
  }

  /** A file and one of its chunks, or undefined where either is missing. */
  async findChunk(
    key: string,
    sizeBytes: number,
    index: number,
  ): Promise<{ file: FileRecord; chunk: ChunkRecord } | undefined> {
    return this.#database.read(undefined, async (db) => {
      const file = await db.get('files', key);
      if (!this.fits(file, sizeBytes)) return undefined;
      const chunk = await db.get('chunks', [key, index]);
      return chunk === undefined ? undefined : { file, chunk };
    });
  }

  /** Indices of the stored chunks, ascending. */
  async storedIndices(key: string): Promise<number[]> {
    const keys = await this.#database.read([], async (db) =>
      db.getAllKeys('chunks', chunksOf(key)),
    );
    return keys.map(([, index]) => index);
  }

  /**
   * The record under `key`, made if there is none of this size; another size's is replaced.
   * @returns undefined when nothing can be stored; `replaced` when an older file left
   */
  async begin(
    key: string,
    sizeBytes: number,
    driver: DriverId,
  ): Promise<{ file: FileRecord; replaced: FileRecord | undefined } | undefined> {
    const known = await this.find(key);
    if (this.fits(known, sizeBytes)) return { file: known, replaced: undefined };
    return this.#database.change(1024, ['files', 'chunks'] as const, async (transaction) => {
      const files = transaction.objectStore('files');
      const replaced = await files.get(key);
      if (this.fits(replaced, sizeBytes)) return { file: replaced, replaced: undefined };
      await transaction.objectStore('chunks').delete(chunksOf(key));
      const file = this.#blank(key, sizeBytes, driver);
      await files.put(file);
      return { file, replaced };
    });
  }

  /** Lists a chunk whose bytes are durable, and completes the file when it was the last one missing. */
  async commit({ file, chunk, sizeBytes, hashed, alongside }: Commit): Promise<CommitOutcome> {
    const names = ['files', 'chunks', 'runs'] as const;
    const outcome = await this.#database.change(sizeBytes, names, async (transaction) => {
      const files = transaction.objectStore('files');
      const chunks = transaction.objectStore('chunks');
      const known = await files.get(file.key);
      if (known?.generation !== file.generation) return 'gone';
      await chunks.put(chunk);
      const isWhole = (await chunks.count(chunksOf(file.key))) === file.chunkCount;
      const newHashed = hashed ?? hashedBefore(known, chunk.index);
      const isProven = !namesSha256(file.key) || newHashed?.chunkCount === file.chunkCount;
      await files.put({
        ...known,
        hashed: newHashed,
        isComplete: isWhole && isProven,
        updatedAtMs: Date.now(),
        usedAtMs: Date.now(),
      });
      if (alongside !== undefined) await transaction.objectStore('runs').put(alongside);
      if (!isWhole) return 'partial';
      return isProven ? 'complete' : 'unverified';
    });
    return outcome ?? 'refused';
  }

  /**
   * Changes a record.
   * @returns false when nothing changed, because the file was dropped or begun anew meanwhile
   */
  async update(file: FileRecord, change: Partial<FileRecord>): Promise<boolean> {
    const isChanged = await this.#database.change(1024, ['files'] as const, async (transaction) => {
      const files = transaction.objectStore('files');
      const known = await files.get(file.key);
      if (known?.generation !== file.generation) return false;
      await files.put({ ...known, ...change });
      return true;
    });
    return isChanged === true;
  }

  /**
   * Forgets the chunks `first` to `last`; the file is incomplete then, and what was hashed of it does
   * not count.
   */
  async dropChunks(file: FileRecord, first: number, last = Infinity): Promise<void> {
    const names = ['files', 'chunks'] as const;
    await this.#database.write(0, names, async (transaction) => {
      const files = transaction.objectStore('files');
      const known = await files.get(file.key);
      if (known?.generation !== file.generation) return;
      const range = IDBKeyRange.bound([file.key, first], [file.key, last]);
      await transaction.objectStore('chunks').delete(range);
      await files.put({ ...known, isComplete: false, hashed: undefined });
    });
  }

  /** @returns the records that left, for their drivers to free */
  async remove(keys: Iterable<string>): Promise<FileRecord[]> {
    const removed: FileRecord[] = [];
    const names = ['files', 'chunks'] as const;
    await this.#database.write(0, names, async (transaction) => {
      for (const key of keys) {
        const known = await transaction.objectStore('files').get(key);
        if (known !== undefined) removed.push(known);
        await transaction.objectStore('files').delete(key);
        await transaction.objectStore('chunks').delete(chunksOf(key));
      }
    });
    return removed;
  }

  /** Every record; undefined when the database cannot be asked, which is not the same as none. */
  async all(): Promise<FileRecord[] | undefined> {
    return this.#database.read(undefined, async (db) => db.getAll('files'));
  }

  /** All files, and how many bytes of each are stored. */
  async list(): Promise<StoredFile[]> {
    return this.#database.read([], async (db) => {
      const transaction = db.transaction(['files', 'chunks']);
      const chunks = transaction.objectStore('chunks');
      const stored: StoredFile[] = [];
      for (const record of await transaction.objectStore('files').getAll()) {
        const count = record.isComplete
          ? record.chunkCount
          : await chunks.count(chunksOf(record.key));
        const storedBytes = Math.min(record.sizeBytes, count * record.chunkSizeBytes);
        stored.push({ record, storedBytes });
      }
      return stored;
    });
  }

  #blank(key: string, sizeBytes: number, driver: DriverId): FileRecord {
    return {
      key,
      sizeBytes,
      chunkSizeBytes: this.#chunkSizeBytes,
      chunkCount: chunkCountOf(sizeBytes, this.#chunkSizeBytes),
      isComplete: false,
      driver,
      generation: crypto.randomUUID(),
      updatedAtMs: Date.now(),
      usedAtMs: Date.now(),
    };
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

/** What was hashed stays true for chunks that come after it, not for one that is replaced. */
function hashedBefore(known: FileRecord, index: number): FileRecord['hashed'] {
  return (known.hashed?.chunkCount ?? 0) > index ? undefined : known.hashed;
}
