import type { Recipe } from '../recipe/recipe';
import { recipesHash } from '../recipe/recipe-hash';
import type { BackendId } from './lab-types';

/**
 * Raise it when a method's numbers change: scores that were remembered for older merges are not
 * found any more then.
 */
const mergeVersion = 2;

/** A model as far as the key of its merges goes. */
interface KnownContent {
  readonly id: string;
  /** Names its content; undefined where only reading all of it would tell. */
  readonly contentHash: string | undefined;
}

/**
 * Names the outcome of a merge by all that decides it: the recipes, the content of the models at
 * hand, and the back end, since a GPU may differ in a last bit.
 * @returns undefined where the content of a model is not known
 */
export async function mergeKey(
  recipes: readonly Recipe[],
  models: readonly KnownContent[],
  backend: BackendId,
): Promise<string | undefined> {
  const contents: string[] = [];
  for (const { id, contentHash } of models) {
    if (contentHash === undefined) return undefined;
    contents.push(`${id}=${contentHash}`);
  }
  return `merge/${mergeVersion}/${backend}/${await recipesHash(recipes)}/${contents.join(',')}`;
}
