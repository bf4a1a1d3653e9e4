import type { ModelFiles } from '../sources/model-files';
import { isAdapter } from '../sources/model-groups';
import { arrangeModels, type ArrangedModels } from './arrange-models';
import { openModel, type OpenModel } from './open-model';
import type { PlaceOpener } from './place-opener';
import type { PlacedModel } from './run-types';

/** Placed models with their headers read. */
export interface OpenPlaced {
  readonly models: readonly OpenModel[];
  /** By their names in recipes. */
  readonly adapters: ReadonlyMap<string, ModelFiles>;
  /** What tells each from others of its name. */
  readonly identities: ReadonlyMap<string, string>;
  /** The same models where they will be for good. */
  readonly placed: readonly PlacedModel[];
  /** Keys in the store that they are read from. */
  readonly keys: readonly string[];
}

/** @throws LabError as `PlaceOpener.open` and `openModel` */
export async function openPlaced(
  placed: readonly PlacedModel[],
  opener: PlaceOpener,
  signal?: AbortSignal,
): Promise<OpenPlaced> {
  const models: OpenModel[] = [];
  const adapters = new Map<string, ModelFiles>();
  const identities = new Map<string, string>();
  const resolved: PlacedModel[] = [];
  const keys: string[] = [];
  for (const { id, place } of placed) {
    const opened = await opener.open(place, signal);
    identities.set(id, opened.identity);
    resolved.push({ id, place: opened.place });
    keys.push(...opened.keys);
    if (isAdapter(opened.files.files.keys())) adapters.set(id, opened.files);
    else models.push(await openModel(id, opened.title, opened.files, opened.contentHash, signal));
  }
  return { models, adapters, identities, placed: resolved, keys };
}

/**
 * Placed models as the collection of the page, adapters put onto the models they are for.
 * @throws LabError as `openPlaced` and `arrangeModels`
 */
export async function openPlacedCollection(
  placed: readonly PlacedModel[],
  baseId: string,
  opener: PlaceOpener,
  signal?: AbortSignal,
): Promise<ArrangedModels> {
  const { models, adapters } = await openPlaced(placed, opener, signal);
  return arrangeModels(models, adapters, baseId, signal);
}
