import type { DatabaseOptions } from './database';
import { LabDatabase } from './database';
import { chunksOf, FileStore } from './file-store';
import { storageSpace, type StorageSpace } from './problems';
import { RecordStore } from './record-store';
import type { ModelRecord, RunRecord, ScoreRecord } from './schema';

/** One stored model for the storage panel. */
export interface StoredModel {
  readonly id: string;
  readonly label: string;
  readonly kind: ModelRecord['kind'];
  /** Bytes that are complete on this machine; a file shared by two models counts in both. */
  readonly storedBytes: number;
  readonly isComplete: boolean;
}

export interface StoreContents extends StorageSpace {
  readonly isAvailable: boolean;
  readonly models: readonly StoredModel[];
  /** Complete files, each once. */
  readonly fileBytes: number;
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

  /** @param options.pieceBytes another chunk size, for tests */
  constructor(options: DatabaseOptions & { readonly pieceBytes?: number } = {}) {
    this.#database = new LabDatabase(options);
    this.files = new FileStore(this.#database, options.pieceBytes);
    this.scores = new RecordStore(this.#database, 'scores', (score) => [
      score.modelHash,
      score.itemSetHash,
      score.dtype,
    ]);
    this.runs = new RecordStore(this.#database, 'runs', (run) => run.id);
  }

  /** Whether anything can be kept between visits. */
  async isAvailable(): Promise<boolean> {
    return this.#database.isAvailable();
  }

  /** Remembers which files make up a model, so that they can be listed and deleted together. */
  async putModel(record: Omit<ModelRecord, 'updatedAtMs'>): Promise<boolean> {
    const stamped = { ...record, updatedAtMs: Date.now() };
    return this.#database.write(1024, ['models'], async (transaction) =>
      transaction.objectStore('models').put(stamped),
    );
  }

  async model(id: string): Promise<ModelRecord | undefined> {
    return this.#database.read(undefined, async (db) => db.get('models', id));
  }

  /** Deletes a model and those of its files that no other model uses. */
  async deleteModel(id: string): Promise<void> {
    await this.#database.write(0, ['models', 'files', 'chunks'], async (transaction) => {
      const models = transaction.objectStore('models');
      const doomed = await models.get(id);
      await models.delete(id);
      const others = await models.getAll();
      const inUse = new Set(others.flatMap((model) => model.files.map((file) => file.key)));
      for (const { key } of doomed?.files ?? []) {
        if (inUse.has(key)) continue;
        await transaction.objectStore('files').delete(key);
        await transaction.objectStore('chunks').delete(chunksOf(key));
      }
    });
  }

  /** Sizes of what is stored and of the space there is. */
  async contents(): Promise<StoreContents> {
    const isAvailable = await this.#database.isAvailable();
    const { models, files } = await this.#database.read({ models: [], files: [] }, async (db) => ({
      models: await db.getAll('models'),
      files: await db.getAll('files'),
    }));
    const complete = new Map(
      files.filter((file) => file.isComplete).map((file) => [file.key, file.sizeBytes]),
    );
    const sum = (sizes: Iterable<number>): number =>
      [...sizes].reduce((total, sizeBytes) => total + sizeBytes, 0);
    return {
      ...(await storageSpace()),
      isAvailable,
      models: models.map(({ id, label, kind, files: own }) => ({
        id,
        label,
        kind,
        storedBytes: sum(own.map(({ key }) => complete.get(key) ?? 0)),
        isComplete: own.every(({ key }) => complete.has(key)),
      })),
      fileBytes: sum(complete.values()),
    };
  }

  /** Deletes everything: models, files, runs and scores. */
  async clear(): Promise<void> {
    this.scores.forget();
    this.runs.forget();
    const names = ['models', 'files', 'chunks', 'runs', 'scores'] as const;
    await this.#database.write(0, names, async (transaction) => {
      await Promise.all(names.map(async (name) => transaction.objectStore(name).clear()));
    });
  }

  /** Ends the connection; the next use opens another. */
  async close(): Promise<void> {
    await this.#database.close();
  }
}
