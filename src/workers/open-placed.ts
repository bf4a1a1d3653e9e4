import type { ModelFiles } from '../sources/model-files';
import { isAdapter } from '../sources/model-groups';
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
  for (const { id, place } of placed) {
    const { title, files, identity, contentHash } = await opener.open(place, signal);
    identities.set(id, identity);
    if (isAdapter(files.files.keys())) adapters.set(id, files);
    else models.push(await openModel(id, title, files, contentHash, signal));
  }
  return { models, adapters, identities };
}
