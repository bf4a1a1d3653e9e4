import type { PlacedModel } from '../../rpc/lab';
import { checkRevision, isRepoId, type HubName } from '../../sources/hub/addresses';
import { fieldsOf, listOf } from '../state/foreign-values';

/** A model of the Hub as a link carries it. */
export interface LinkedModel extends HubName {
  /** Its name in the recipe. */
  readonly id: string;
}

/** The models that a link was made with, as far as they lie on a hub. */
export interface LinkedModels {
  readonly base: string;
  readonly models: readonly LinkedModel[];
}

/** As many as a merge takes, the base included. */
const mostLinked = 13;
const longestId = 300;

/** What a link says of open models; undefined when none of them lies on a hub. */
export function linkedModels(
  places: readonly PlacedModel[],
  base: string,
): LinkedModels | undefined {
  const models = places.flatMap(({ id, place }) =>
    place.kind === 'hub' ? [{ id, repo: place.repo, revision: place.revision }] : [],
  );
  return models.length === 0 ? undefined : { base, models };
}

/** Takes the models out of a link, which may come from anywhere; undefined for none or bad ones. */
export function readLinkedModels(value: unknown): LinkedModels | undefined {
  const fields = fieldsOf(value);
  const base = fields?.['base'];
  const listed = listOf(fields?.['models']);
  const models = listed.slice(0, mostLinked).flatMap((entry) => readModel(entry) ?? []);
  if (typeof base !== 'string' || models.length === 0 || models.length < listed.length) {
    return undefined;
  }
  return { base, models };
}

/** Whether all of them are open. */
export function areOpen({ models }: LinkedModels, places: readonly PlacedModel[]): boolean {
  return models.every(({ id, repo, revision }) =>
    places.some(
      (open) =>
        open.id === id &&
        open.place.kind === 'hub' &&
        open.place.repo === repo &&
        open.place.revision === revision,
    ),
  );
}

function readModel(value: unknown): LinkedModel | undefined {
  const { id, repo, revision } = fieldsOf(value) ?? {};
  if (typeof id !== 'string' || id === '' || id.length > longestId) return undefined;
  if (typeof repo !== 'string' || !isRepoId(repo) || typeof revision !== 'string') return undefined;
  try {
    return { id, repo, revision: checkRevision(revision) };
  } catch {
    return undefined;
  }
}
