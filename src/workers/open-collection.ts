import { isFloatDtype, elementCountOf } from '../core/dtype';
import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import { foldersFromFiles } from '../sources/browser-folder';
import { CachedZoo } from '../sources/cached-files';
import type { ModelFiles } from '../sources/model-files';
import { openCheckpoint, type OpenCheckpoint } from '../sources/open-checkpoint';
import { Zoo } from '../sources/zoo';
import type { LabStore } from '../store/lab-store';

/** Where a collection lies; crosses to workers as it is, `File`s included. */
export type CollectionSource =
  | {
      readonly kind: 'zoo';
      /** Folder of the manifest, with a final slash. */ readonly url: string;
    }
  | {
      readonly kind: 'folders';
      readonly folders: readonly { readonly name: string; readonly files: readonly File[] }[];
      readonly baseName: string;
    };

/** A model with its headers read. */
export interface OpenModel {
  readonly id: string;
  readonly title: string;
  readonly files: ModelFiles;
  readonly checkpoint: OpenCheckpoint;
  readonly parameterCount: number;
  readonly sizeBytes: number;
  /** The dtype of most of its weights. */
  readonly dtype: string;
  /** Names its content, where the content is known without reading it. */
  readonly contentHash: string | undefined;
}

export interface OpenCollection {
  readonly base: OpenModel;
  readonly specialists: readonly OpenModel[];
  /** Present for the bundled models. */
  readonly zoo: Zoo | undefined;
}

/** A model by its id. @throws LabError `recipe/missing-model` */
export function modelOf(collection: OpenCollection, id: string): OpenModel {
  const models = [collection.base, ...collection.specialists];
  const model = models.find((candidate) => candidate.id === id);
  if (model !== undefined) return model;
  const known = models.map((candidate) => candidate.id).join(', ');
  throw new LabError(
    'recipe/missing-model',
    `The model "${id}" is not open. Open its folder, or use one of ${known}.`,
    { details: { model: id } },
  );
}

/**
 * Opens a base and its specialists: headers only for picked folders, whole files (through the
 * store) for the zoo, with progress in bytes.
 * @throws LabError `recipe/missing-model`, `source/…`, `format/…`
 */
export async function openCollection(
  source: CollectionSource,
  store: LabStore,
  task: LongTask = {},
): Promise<OpenCollection> {
  return source.kind === 'zoo' ? openZoo(source.url, store, task) : openFolders(source, task);
}

async function openZoo(url: string, store: LabStore, task: LongTask): Promise<OpenCollection> {
  const zoo = await Zoo.open(url, { signal: task.signal });
  const { manifest } = zoo;
  const cached = new CachedZoo(zoo, store);
  const totalBytes = [...manifest.models.values()].reduce((sum, model) => sum + model.sizeBytes, 0);
  const meter = new ProgressMeter('Loading the zoo', totalBytes, 'bytes', task.onProgress);
  const open = async (id: string): Promise<OpenModel> => {
    await cached.model(id).prefetch({ signal: task.signal });
    meter.advance(zoo.model(id).record.sizeBytes);
    return openZooModel(cached, id, task.signal);
  };
  const base = await open(manifest.base);
  const specialists: OpenModel[] = [];
  for (const id of manifest.specialists) specialists.push(await open(id));
  return { base, specialists, zoo };
}

/** Opens one model of the zoo; its content is known by the hash that the manifest states. */
export async function openZooModel(
  cached: CachedZoo,
  id: string,
  signal: AbortSignal | undefined,
): Promise<OpenModel> {
  const { record } = cached.zoo.model(id);
  const weights = record.files.find((file) => file.path === 'model.safetensors');
  return describeModel(id, record.title, cached.model(id), weights?.sha256, signal);
}

async function openFolders(
  source: Extract<CollectionSource, { kind: 'folders' }>,
  task: LongTask,
): Promise<OpenCollection> {
  const found = source.folders.flatMap(({ name, files }) => foldersFromFiles(files, name));
  const models: OpenModel[] = [];
  for (const files of found) {
    const name = recipeName(files.label);
    const taken = models.filter(({ title }) => recipeName(title) === name).length;
    const id = taken === 0 ? name : `${name}-${taken + 1}`;
    models.push(await describeModel(id, files.label, files, undefined, task.signal));
  }
  const baseId = recipeName(source.baseName);
  const base = models.find((model) => model.id === baseId);
  if (base === undefined) {
    const names = models.map((model) => model.id).join(', ');
    const hint =
      names === '' ? 'No picked folder holds a config.json.' : `Picked model folders: ${names}.`;
    throw new LabError(
      'recipe/missing-model',
      `There is no model folder "${source.baseName}" to use as the base. ${hint} Pick the folder that holds the model, or a folder above it.`,
      { details: { model: source.baseName } },
    );
  }
  return { base, specialists: models.filter((model) => model !== base), zoo: undefined };
}

/** The folder's name without what means an adapter, a revision or a mapping in recipes. */
function recipeName(label: string): string {
  return label.replaceAll(/[+@{}]/g, '-');
}

/** Reads a model’s headers and counts what they promise. */
async function describeModel(
  id: string,
  title: string,
  files: ModelFiles,
  contentHash: string | undefined,
  signal: AbortSignal | undefined,
): Promise<OpenModel> {
  const checkpoint = await openCheckpoint(files, signal);
  const elementCounts = new Map<string, number>();
  let sizeBytes = 0;
  for (const tensor of checkpoint.tensors.values()) {
    sizeBytes += tensor.sizeBytes;
    if (!isFloatDtype(tensor.dtype)) continue;
    const count = elementCounts.get(tensor.dtype) ?? 0;
    elementCounts.set(tensor.dtype, count + elementCountOf(tensor.shape));
  }
  const [mostCommon] = [...elementCounts].sort((left, right) => right[1] - left[1]);
  const parameterCount = [...elementCounts.values()].reduce((sum, count) => sum + count, 0);
  return {
    id,
    title,
    files,
    checkpoint,
    parameterCount,
    sizeBytes,
    dtype: mostCommon?.[0] ?? 'unknown',
    contentHash,
  };
}
