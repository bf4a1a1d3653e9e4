import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { Allocate } from '../formats/checkpoint-reader';
import type { Caching } from '../store/caching';
import type { LabStore } from '../store/lab-store';
import type { ModelRecord, ModelSource } from '../store/schema';
import { CachedFile } from './cached-file';
import { ChunkKeeper } from './chunk-keeper';
import type { ModelFile, ModelFiles } from './model-files';
import { ReadSession } from './read-session';
import type { Zoo } from './zoo';

export interface CacheOptions {
  /** Names the model in the store. */
  readonly modelId: string;
  /** By path; a key names content, so a file that changes must change its key. Others pass through. */
  readonly fileKeys: ReadonlyMap<string, string>;
  /** What `decideCaching` decided; `keep` unless told. */
  readonly caching?: Exclude<Caching, 'auto'> | undefined;
  /** What the store must know to open the model again without the network. */
  readonly source?: ModelSource | undefined;
  /**
   * Told of `store/corrupt`, after which the chunk is fetched again, and once of `store/quota`, after
   * which nothing more is stored in this session: reading goes on in either case.
   */
  readonly onProblem?: ((error: LabError) => void) | undefined;
}

/**
 * Puts the store between a model folder and its readers: what was read once comes from there the
 * next time. Reads of whole chunks go straight into the caller's memory, the chunk after the one
 * being read is fetched ahead, and chunks are stored behind the reader. Where nothing can be stored,
 * every read goes on to `source`.
 */
export class CachedFiles implements ModelFiles {
  readonly label: string;
  readonly comeInPieces = true;
  readonly files: ReadonlyMap<string, ModelFile>;
  readonly #source: ModelFiles;
  readonly #store: LabStore;
  readonly #options: CacheOptions;
  readonly #session: ReadSession;
  readonly #keeper: ChunkKeeper;
  readonly #cached: readonly CachedFile[];

  /** @param session shared between models that are read together */
  constructor(
    source: ModelFiles,
    store: LabStore,
    options: CacheOptions,
    session = new ReadSession(),
  ) {
    this.label = source.label;
    this.#source = source;
    this.#store = store;
    this.#options = options;
    this.#session = session;
    const { onProblem, fileKeys, caching } = options;
    let modelBytes = 0;
    for (const { sizeBytes } of source.files.values()) modelBytes += sizeBytes;
    this.#keeper = new ChunkKeeper(store, session, {
      modelBytes,
      onFirst: async () => this.remember(),
      onProblem,
    });
    this.#cached = [...source.files.values()].flatMap((file) => {
      const key = fileKeys.get(file.path);
      if (key === undefined) return [];
      const parts = { source: file, key, store, session, onProblem };
      const keeper = caching === 'stream' ? undefined : this.#keeper;
      return new CachedFile({ ...parts, keeper, name: `${source.label}/${file.path}` });
    });
    const files = new Map(source.files);
    for (const file of this.#cached) files.set(file.path, this.#checked(file));
    this.files = files;
  }

  /**
   * Brings every file into the store, with progress in bytes, and lists the model there. What is
   * stored already costs a look-up. A file that arrives with another hash is fetched once more.
   * Where the store takes nothing, it stops without an error.
   * @throws LabError `hub/wrong-hash`, and whatever the source throws
   */
  async prefetch(task: LongTask = {}): Promise<void> {
    await this.remember();
    const files = [...this.#source.files.values()];
    const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const meter = new ProgressMeter(`Loading ${this.label}`, totalBytes, 'bytes', task.onProgress);
    const cached = new Map(this.#cached.map((file) => [file.path, file]));
    for (const { path, sizeBytes } of files) {
      const file = cached.get(path);
      if (file === undefined) meter.advance(sizeBytes);
      else await file.fetch(this.#keeper, meter, task.signal);
    }
  }

  /** Lists the model in the store, so that it can be seen and deleted. */
  async remember(): Promise<void> {
    const { modelId, source, caching } = this.#options;
    await this.#store.putModel({
      id: modelId,
      label: this.label,
      kind: 'cache',
      files: this.#cached.map(({ path, key, sizeBytes }) => ({ path, key, sizeBytes })),
      ...(source === undefined ? {} : { source }),
      ...(caching === 'pin' ? { isPinned: true } : {}),
    });
  }

  /**
   * Waits until everything that was read is stored; a run ends with it.
   * @throws LabError `hub/wrong-hash` when a file was not what its hash says, so that what was made of
   * it must not be used
   */
  async settle(): Promise<void> {
    await this.#session.writes.drain();
    this.#keeper.throwIfWrong();
  }

  /** A file that has proved wrong is read no further. */
  #checked(file: CachedFile): ModelFile {
    const read = async (
      offsetBytes: number,
      lengthBytes: number,
      signal?: AbortSignal,
      allocate?: Allocate,
    ): Promise<Uint8Array> => {
      this.#keeper.throwIfWrong();
      return file.read(offsetBytes, lengthBytes, signal, allocate);
    };
    return { path: file.path, sizeBytes: file.sizeBytes, read };
  }
}

/**
 * The zoo's models through the store, their files named by the manifest's hashes. Models that are
 * read together share one budget of memory.
 */
export class CachedZoo {
  readonly zoo: Zoo;
  readonly #store: LabStore;
  readonly #onProblem: ((error: LabError) => void) | undefined;
  readonly #session = new ReadSession();

  constructor(zoo: Zoo, store: LabStore, onProblem?: (error: LabError) => void) {
    this.zoo = zoo;
    this.#store = store;
    this.#onProblem = onProblem;
  }

  /** @throws LabError `recipe/missing-model` when the zoo has no such model */
  model(id: string): CachedFiles {
    const model = this.zoo.model(id);
    const fileKeys = new Map(
      model.record.files.map((file) => [file.path, `sha256:${file.sha256}`] as const),
    );
    const options = { modelId: `zoo/${id}`, fileKeys, onProblem: this.#onProblem };
    return new CachedFiles(model, this.#store, options, this.#session);
  }

  /** Drops the bytes in memory, not those in the store. */
  forget(): void {
    this.#session.chunks.clear();
    this.zoo.forget();
  }
}

/**
 * A model that the store holds whole, such as a saved merge; undefined when a part is missing.
 * Reads fail with `store/corrupt` when its bytes were damaged, for there is no source to ask again.
 */
export async function storedModel(
  store: LabStore,
  modelId: string,
  session?: ReadSession,
): Promise<CachedFiles | undefined> {
  const record = await store.model(modelId);
  if (record === undefined) return undefined;
  const files = new Map<string, ModelFile>();
  for (const { path, key, sizeBytes } of record.files) {
    if (!(await store.files.has(key))) return undefined;
    const read = async (): Promise<Uint8Array> =>
      Promise.reject(
        new LabError(
          'store/corrupt',
          `The stored file ${path} of ${record.label} was damaged and is gone; make the model again.`,
          { details: { model: modelId, file: path } },
        ),
      );
    files.set(path, { path, sizeBytes, read });
  }
  const fileKeys = new Map(record.files.map(({ path, key }) => [path, key] as const));
  return new CachedFiles({ label: record.label, files }, store, { modelId, fileKeys }, session);
}

/** A model of a Hub that the store holds whole, so that it opens without the network. */
export interface CachedHubModel {
  readonly files: CachedFiles;
  readonly source: ModelSource;
  readonly record: ModelRecord;
}

/**
 * The newest stored commit of a revision; undefined when none is stored whole.
 * @param revision as it was asked for when the model was cached, or the commit itself
 */
export async function cachedHubModel(
  store: LabStore,
  repo: string,
  revision: string,
  session?: ReadSession,
): Promise<CachedHubModel | undefined> {
  const records = (await store.models())
    .filter(({ source }) => source?.repo === repo)
    .filter(({ source }) => source?.revision === revision || source?.commit === revision)
    .sort((a, b) => b.updatedAtMs - a.updatedAtMs);
  for (const record of records) {
    const { id, source } = record;
    const files = await storedModel(store, id, session);
    if (files !== undefined && source !== undefined) return { files, source, record };
  }
  return undefined;
}
