import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { LabStore } from '../store/lab-store';
import type { ModelFile, ModelFiles } from './model-files';
import { checkRange } from './read-range';
import { SharedBytes } from './shared-bytes';
import type { Zoo } from './zoo';

/** Chunks that were read and checked stay this long in memory, so that tensors do not cost a chunk each. */
const memoryBudgetBytes = 64 << 20;

export interface CacheOptions {
  /** Names the model in the store. */
  readonly modelId: string;
  /** By path; a key names content, so a file that changes must change its key. Others pass through. */
  readonly fileKeys: ReadonlyMap<string, string>;
  /** Told of `store/corrupt`; the chunk is fetched again whoever listens. */
  readonly onProblem?: ((error: LabError) => void) | undefined;
}

/**
 * Puts the store between a model folder and its readers: what was read once comes from IndexedDB the
 * next time. Where nothing can be stored, every read goes on to `source`.
 */
export class CachedFiles implements ModelFiles {
  readonly label: string;
  readonly files: ReadonlyMap<string, ModelFile>;
  readonly #source: ModelFiles;
  readonly #store: LabStore;
  readonly #options: CacheOptions;
  readonly #memory: SharedBytes;

  /** @param memory shared between models that are read together */
  constructor(
    source: ModelFiles,
    store: LabStore,
    options: CacheOptions,
    memory = new SharedBytes(memoryBudgetBytes),
  ) {
    this.label = source.label;
    this.#source = source;
    this.#store = store;
    this.#options = options;
    this.#memory = memory;
    const files = new Map<string, ModelFile>();
    for (const file of source.files.values()) {
      const key = options.fileKeys.get(file.path);
      files.set(file.path, key === undefined ? file : this.#cached(file, key));
    }
    this.files = files;
  }

  /**
   * Brings every file into the store, with progress in bytes, and lists the model there. What is
   * stored already costs a look-up.
   */
  async prefetch(task: LongTask = {}): Promise<void> {
    await this.remember();
    let totalBytes = 0;
    const sources = this.#source.files;
    for (const file of sources.values()) totalBytes += file.sizeBytes;
    const meter = new ProgressMeter(`Loading ${this.label}`, totalBytes, 'bytes', task.onProgress);
    for (const file of sources.values()) {
      const key = this.#options.fileKeys.get(file.path);
      if (key === undefined || (await this.#store.files.has(key))) {
        meter.advance(file.sizeBytes);
        continue;
      }
      const pieceBytes = this.#store.files.chunkSizeBytes;
      for (let index = 0; index * pieceBytes < file.sizeBytes; index++) {
        const bytes = await this.#chunk(file, key, index, task.signal);
        meter.advance(bytes.byteLength);
      }
    }
  }

  /** Lists the model in the store, so that it can be seen and deleted. */
  async remember(): Promise<void> {
    const files = [...this.#source.files.values()].flatMap(({ path, sizeBytes }) => {
      const key = this.#options.fileKeys.get(path);
      return key === undefined ? [] : [{ path, key, sizeBytes }];
    });
    await this.#store.putModel({
      id: this.#options.modelId,
      label: this.label,
      kind: 'cache',
      files,
    });
  }

  #cached(source: ModelFile, key: string): ModelFile {
    return {
      path: source.path,
      sizeBytes: source.sizeBytes,
      read: async (offsetBytes, lengthBytes, signal) => {
        checkRange(`${this.label}/${source.path}`, source.sizeBytes, offsetBytes, lengthBytes);
        const pieceBytes = this.#store.files.chunkSizeBytes;
        const bytes = new Uint8Array(lengthBytes);
        for (let filledBytes = 0; filledBytes < lengthBytes;) {
          const position = offsetBytes + filledBytes;
          const index = Math.floor(position / pieceBytes);
          const chunk = await this.#chunk(source, key, index, signal);
          const begin = position - index * pieceBytes;
          const part = chunk.subarray(begin, begin + lengthBytes - filledBytes);
          bytes.set(part, filledBytes);
          filledBytes += part.byteLength;
        }
        return bytes;
      },
    };
  }

  async #chunk(
    source: ModelFile,
    key: string,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { files } = this.#store;
    const offsetBytes = index * files.chunkSizeBytes;
    const lengthBytes = Math.min(files.chunkSizeBytes, source.sizeBytes - offsetBytes);
    const load = async (loadSignal: AbortSignal): Promise<Uint8Array> => {
      const stored = await this.#stored(key, source.sizeBytes, index);
      if (stored !== undefined) return stored;
      const bytes = await source.read(offsetBytes, lengthBytes, loadSignal);
      await files.writeChunk(key, source.sizeBytes, index, bytes);
      return bytes;
    };
    return this.#memory.get(`${key}#${index}`, lengthBytes, load, signal);
  }

  async #stored(key: string, sizeBytes: number, index: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.files.readChunk(key, sizeBytes, index);
    } catch (error) {
      if (!(error instanceof LabError && error.code === 'store/corrupt')) throw error;
      this.#options.onProblem?.(error);
      return undefined;
    }
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
  readonly #memory = new SharedBytes(memoryBudgetBytes);

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
    return new CachedFiles(model, this.#store, options, this.#memory);
  }

  /** Drops the bytes in memory, not those in the store. */
  forget(): void {
    this.#memory.clear();
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
  return new CachedFiles({ label: record.label, files }, store, { modelId, fileKeys });
}
