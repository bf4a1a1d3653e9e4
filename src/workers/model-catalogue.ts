import { planRecipes } from '../engine/plan-recipes';
import { recipeVocabulary } from '../engine/recipe-vocabulary';
import { parseRecipes } from '../recipe/parse-recipe';
import { HubClient } from '../sources/hub/hub-client';
import type { HubListing, HubSearchResult } from '../sources/hub/listing';
import type { LabStore } from '../store/lab-store';
import type { StorageDetails } from '../store/storage-details';
import type { PlanReport } from './lab-types';
import { openPlaced } from './open-placed';
import type { HubAccess } from './opened-place';
import { inputsOf } from './placed-inputs';
import { PlaceOpener } from './place-opener';
import type { PlacedModel } from './run-types';

/** What models there are, on a hub and in the store, and whether they fit together. Merges none. */
export class ModelCatalogue {
  readonly #store: LabStore;
  #hub: HubAccess = {};

  constructor(store: LabStore) {
    this.#store = store;
  }

  /** @throws LabError `hub/bad-name` for an endpoint that must not get a token */
  setHub(hub: HubAccess): void {
    this.#hub = hub;
    this.#client();
  }

  /** @throws LabError `hub/…` */
  async searchHub(query: string, signal?: AbortSignal): Promise<readonly HubSearchResult[]> {
    return this.#client().search(query, {}, signal);
  }

  /** @throws LabError `hub/…` */
  async describeHub(repo: string, revision: string, signal?: AbortSignal): Promise<HubListing> {
    return this.#client().describe(repo, revision, signal);
  }

  /**
   * What a merge of placed models would cost and all that speaks against it; reads headers only.
   * @throws LabError as `parseRecipes`, `openPlaced` and `planRecipes`
   */
  async planModels(
    recipeText: string,
    models: readonly PlacedModel[],
    zooUrl: string,
    signal?: AbortSignal,
  ): Promise<PlanReport> {
    const documents = parseRecipes(recipeText, 'the recipe', { vocabulary: recipeVocabulary });
    const recipes = documents.map(({ recipe }) => recipe);
    // Headers of models that may never be merged are not worth a chunk of the store.
    const caching = 'stream';
    const opener = new PlaceOpener({ store: this.#store, zooUrl, hub: this.#hub, caching });
    const inputs = inputsOf(await openPlaced(models, opener, signal));
    const { cost, findings } = await planRecipes(recipes, await inputs.of(recipes, signal), {
      signal,
      openAdapter: (path) => Promise.resolve(inputs.adapter(path)),
    });
    return { cost, findings };
  }

  async storageDetails(): Promise<StorageDetails> {
    return this.#store.contents();
  }

  async deleteStored(modelId: string): Promise<void> {
    await this.#store.deleteModel(modelId);
  }

  async pinStored(modelId: string, isPinned: boolean): Promise<void> {
    await this.#store.pinModel(modelId, isPinned);
  }

  #client(): HubClient {
    const { endpoint, token } = this.#hub;
    return new HubClient({ endpoint, token: () => token });
  }
}
