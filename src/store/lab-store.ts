import { defaultMarginFraction01 } from './caching';
import type { DatabaseOptions } from './database';
import { LabDatabase } from './database';
import { DriverChoice } from './driver-choice';
import { evictableFiles } from './eviction';
import { chunksOf } from './file-catalogue';
import { FileStore } from './file-store';
import { IndexedDbDriver } from './indexeddb-driver';
import { OpfsDriver } from './opfs-driver';
import { Pins } from './pins';
import { freeBytesOf, storageSpace, type StorageSpace } from './problems';
import { RecordStore } from './record-store';
import {
  chunkSizeBytes,
  databaseName,
  type DriverId,
  type FileRecord,
  type ModelRecord,
  type RunRecord,
  type ScoreRecord,
} from './schema';
import { describeModels, type StorageDetails, type StoredFile } from './storage-details';

export type { StorageDetails, StoredModel } from './storage-details';

export interface StoreOptions extends DatabaseOptions {
  /** Another chunk size, for tests. */
  readonly pieceBytes?: number | undefined;
}

/**
 * Everything the lab keeps between visits. Where storage is denied (a private window) `onProblem`
 * hears `store/denied` once, files are not kept, and runs and scores live in memory.
 */
export class LabStore {
  readonly files: FileStore;
  /** Keyed by model hash, item set hash and dtype. */
  readonly scores: RecordStore<'scores', ScoreRecord>;
  readonly runs: RecordStore<'runs', RunRecord>;
  readonly #database: LabDatabase;
  readonly #pins: Pins;
  readonly #driverChoice: DriverChoice;

  constructor(options: StoreOptions = {}) {
    this.#database = new LabDatabase(options);
    const drivers = [new IndexedDbDriver(), new OpfsDriver(options.name ?? databaseName)];
    this.files = new FileStore(
      this.#database,
      options.pieceBytes ?? chunkSizeBytes,
      drivers,
      (run) => {
        this.runs.heard(run);
      },
    );
    this.#driverChoice = new DriverChoice(this.#database, this.files);
    this.scores = new RecordStore(this.#database, 'scores', (score) => [
      score.modelHash,
      score.itemSetHash,
      score.dtype,
    ]);
    this.runs = new RecordStore(this.#database, 'runs', (run) => run.id);
    this.#pins = new Pins(this.#database);
  }

  /** Whether the last write failed for want of room. */
  get isFull(): boolean {
    return this.#database.isFull;
  }

  /** Whether anything can be kept between visits. */
  async isAvailable(): Promise<boolean> {
    return this.#database.isAvailable();
  }

  /**
   * Remembers which files make up a model, so that they can be listed and deleted together. A pin
   * of the person stays unless the record has its own.
   */
  async putModel(record: Omit<ModelRecord, 'updatedAtMs'>): Promise<boolean> {
    return this.#database.write(1024, ['models'] as const, async (transaction) => {
      const models = transaction.objectStore('models');
      const known = await models.get(record.id);
      const pin = known?.isPinned === undefined ? {} : { isPinned: known.isPinned };
      await models.put({ ...pin, ...record, updatedAtMs: Date.now() });
    });
  }

  async model(id: string): Promise<ModelRecord | undefined> {
    return this.#database.read(undefined, async (db) => db.get('models', id));
  }

  async models(): Promise<ModelRecord[]> {
    return this.#database.read([], async (db) => db.getAll('models'));
  }

  /** Gives a model another label; nothing when it is not stored. */
  async renameModel(id: string, label: string): Promise<void> {
    await this.#database.write(1024, ['models'] as const, async (transaction) => {
      const models = transaction.objectStore('models');
      const known = await models.get(id);
      if (known !== undefined) await models.put({ ...known, label });
    });
  }

  /** Exempts a model from eviction, or not any more. */
  async pinModel(id: string, isPinned: boolean): Promise<void> {
    await this.#database.write(1024, ['models'] as const, async (transaction) => {
      const models = transaction.objectStore('models');
      const known = await models.get(id);
      if (known !== undefined) await models.put({ ...known, isPinned });
    });
  }

  /** Deletes a model and those of its files that no other model uses. */
  async deleteModel(id: string): Promise<void> {
    const names = ['models', 'files', 'chunks'] as const;
    const dropped = await this.#database.change(0, names, async (transaction) => {
      const models = transaction.objectStore('models');
      const doomed = await models.get(id);
      await models.delete(id);
      const others = await models.getAll();
      const inUse = new Set(others.flatMap((model) => model.files.map((file) => file.key)));
      const records: FileRecord[] = [];
      for (const { key } of doomed?.files ?? []) {
        if (inUse.has(key)) continue;
        const record = await transaction.objectStore('files').get(key);
        if (record !== undefined) records.push(record);
        await transaction.objectStore('files').delete(key);
        await transaction.objectStore('chunks').delete(chunksOf(key));
      }
      return records;
    });
    await this.files.free(dropped ?? []);
  }

  /**
   * Keeps `keys` from eviction while `owner` works with them: until `unpin`, or until this tab or
   * worker ends. A second call adds keys.
   */
  async pin(owner: string, keys: Iterable<string>): Promise<void> {
    await this.#pins.pin(owner, keys);
  }

  async unpin(owner: string): Promise<void> {
    await this.#pins.unpin(owner);
  }

  /**
   * Where the files of a model of this size are stored best: measured at the first model above 1 GB.
   */
  async driverFor(modelBytes: number): Promise<DriverId> {
    return this.#driverChoice.driverFor(modelBytes);
  }

  /** How much is used and allowed; both 0 where the browser does not tell. */
  async storageSpace(): Promise<StorageSpace> {
    return storageSpace();
  }

  /**
   * Makes sure that `neededBytes` can be stored with a margin of 20 %, if need be by deleting what
   * was cached and not used for longest. Nothing is deleted when that would not suffice, nor where
   * the browser does not tell how much room there is, unless a write has just failed.
   * @returns whether there is room as far as can be told
   */
  async makeRoom(neededBytes: number): Promise<boolean> {
    if (neededBytes <= 0) return true;
    const space = await storageSpace();
    const freeBytes = this.isFull ? 0 : freeBytesOf(space);
    const missingBytes = neededBytes * (1 + defaultMarginFraction01) - freeBytes;
    if (missingBytes <= 0 || (space.isRounded === true && !this.isFull)) return true;
    return this.evict(missingBytes);
  }

  /**
   * Deletes what was cached and not used for longest: so many bytes at least, or nothing.
   * @returns whether it did
   */
  async evict(missingBytes: number): Promise<boolean> {
    const { evictable } = await this.#survey();
    // The browser frees space later than it deletes, so what counts is what was deleted.
    const doomed: string[] = [];
    let leftBytes = missingBytes;
    for (const { record, storedBytes } of evictable) {
      if (leftBytes <= 0) break;
      doomed.push(record.key);
      leftBytes -= storedBytes;
    }
    if (leftBytes > 0) return false;
    await this.files.removeAll(doomed);
    return true;
  }

  /** Asks the browser never to delete the lab's data by itself; it may ask the person. */
  async persist(): Promise<boolean> {
    try {
      return await navigator.storage.persist();
    } catch {
      return false;
    }
  }

  /** What is stored, model by model, and the space there is. */
  async contents(): Promise<StorageDetails> {
    const isAvailable = await this.#database.isAvailable();
    const { models, files, keysInUse, evictable } = await this.#survey();
    const space = await storageSpace();
    const sum = (stored: Iterable<StoredFile>): number =>
      [...stored].reduce((total, { storedBytes }) => total + storedBytes, 0);
    return {
      ...space,
      freeBytes: space.quotaBytes === 0 ? 0 : freeBytesOf(space),
      isAvailable,
      isPersisted: await isPersisted(),
      models: describeModels(models, files, keysInUse),
      fileBytes: sum(files.values()),
      evictableBytes: sum(evictable),
    };
  }

  /** Deletes everything: models, files, runs and scores. */
  async clear(): Promise<void> {
    this.scores.forget();
    this.runs.forget();
    const names = ['models', 'files', 'chunks', 'runs', 'scores', 'pins', 'settings'] as const;
    const dropped = await this.#database.change(0, names, async (transaction) => {
      const files = await transaction.objectStore('files').getAll();
      await Promise.all(names.map(async (name) => transaction.objectStore(name).clear()));
      return files;
    });
    await this.files.free(dropped ?? []);
  }

  /** Ends the connection; the next use opens another. */
  async close(): Promise<void> {
    await this.#database.close();
  }

  async #survey(): Promise<{
    models: ModelRecord[];
    files: Map<string, StoredFile>;
    keysInUse: Set<string>;
    evictable: StoredFile[];
  }> {
    const models = await this.models();
    const files = new Map<string, StoredFile>();
    for (const record of await this.files.list()) files.set(record.record.key, record);
    const keysInUse = await this.#pins.pinnedKeys();
    return {
      models,
      files,
      keysInUse,
      evictable: evictableFiles(files.values(), models, keysInUse),
    };
  }
}

async function isPersisted(): Promise<boolean> {
  try {
    return await navigator.storage.persisted();
  } catch {
    return false;
  }
}
