import { CachedZoo } from '../sources/cached-files';
import { Zoo } from '../sources/zoo';
import type { LabStore } from '../store/lab-store';
import {
  modelOf,
  openCollection,
  openZooModel,
  type CollectionSource,
  type OpenCollection,
  type OpenModel,
} from './open-collection';

/** A collection whose models are opened one by one, when they are first asked for. */
export class LazyCollection {
  readonly #source: CollectionSource;
  readonly #store: LabStore;
  readonly #models = new Map<string, Promise<OpenModel>>();
  #zoo: Promise<Zoo> | undefined;
  #folders: Promise<OpenCollection> | undefined;

  constructor(source: CollectionSource, store: LabStore) {
    this.#source = source;
    this.#store = store;
  }

  /** The bundled models and items; undefined for folders of the person. */
  async zoo(signal?: AbortSignal): Promise<Zoo | undefined> {
    if (this.#source.kind !== 'zoo') return undefined;
    this.#zoo ??= Zoo.open(this.#source.url, { signal });
    return this.#zoo.catch((error: unknown) => {
      // The network may be back at the next call.
      this.#zoo = undefined;
      throw error;
    });
  }

  /** @param slot `base`, or a specialist's id. @throws LabError `recipe/missing-model` */
  async model(slot: string, signal?: AbortSignal): Promise<OpenModel> {
    const opening = this.#models.get(slot) ?? this.#open(slot, signal);
    this.#models.set(slot, opening);
    return opening.catch((error: unknown) => {
      this.#models.delete(slot);
      throw error;
    });
  }

  async #open(slot: string, signal: AbortSignal | undefined): Promise<OpenModel> {
    const zoo = await this.zoo(signal);
    if (zoo === undefined) {
      this.#folders ??= openCollection(this.#source, this.#store);
      const collection = await this.#folders;
      return slot === 'base' ? collection.base : modelOf(collection, slot);
    }
    const id = slot === 'base' ? zoo.manifest.base : slot;
    return openZooModel(new CachedZoo(zoo, this.#store), id, signal);
  }
}
