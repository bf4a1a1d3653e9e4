import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import { CachedZoo } from '../sources/cached-files';
import type { ModelFiles } from '../sources/model-files';
import { Zoo } from '../sources/zoo';
import type { LabStore } from '../store/lab-store';
import { openModel, type OpenModel } from './open-model';
import { openPlacedCollection } from './open-placed';
import type { HubAccess } from './opened-place';
import { PlaceOpener } from './place-opener';
import type { PlacedModel } from './run-types';

export type { OpenModel } from './open-model';

/** Where a collection lies; crosses to workers as it is, `File`s included. */
export type CollectionSource =
  | {
      readonly kind: 'zoo';
      /** Folder of the manifest, with a final slash. */ readonly url: string;
    }
  | {
      readonly kind: 'placed';
      readonly models: readonly PlacedModel[];
      readonly baseId: string;
      readonly zooUrl: string;
      readonly hub: HubAccess;
    };

export interface OpenCollection {
  readonly base: OpenModel;
  readonly specialists: readonly OpenModel[];
  /** By their names in recipes. */
  readonly adapters: ReadonlyMap<string, ModelFiles>;
  /** What a person should know of how they were put together, as sentences. */
  readonly notes: readonly string[];
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
 * Opens a base and its specialists: whole files (through the store) for the zoo, with progress in
 * bytes; headers only of placed models, through the store where they are remote.
 * @throws LabError `recipe/missing-model`, `source/…`, `format/…`
 */
export async function openCollection(
  source: CollectionSource,
  store: LabStore,
  task: LongTask = {},
): Promise<OpenCollection> {
  if (source.kind === 'zoo') return openZoo(source.url, store, task);
  const opener = new PlaceOpener({ store, ...source });
  const opened = await openPlacedCollection(source.models, source.baseId, opener, task.signal);
  return { ...opened, zoo: undefined };
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
  return { base, specialists, adapters: new Map(), notes: [], zoo };
}

/** Opens one model of the zoo; its content is known by the hash that the manifest states. */
export async function openZooModel(
  cached: CachedZoo,
  id: string,
  signal: AbortSignal | undefined,
): Promise<OpenModel> {
  const { record } = cached.zoo.model(id);
  const weights = record.files.find((file) => file.path === 'model.safetensors');
  return openModel(id, record.title, cached.model(id), weights?.sha256, signal);
}
