import type { Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import type { Setup } from './setup';

/** Whom sliders stand for: the open specialists, and what a written recipe merges beside them. */
export function sliderIds(collection: Collection | undefined, setup: Setup): readonly string[] {
  const ids = (collection?.specialists ?? []).map(({ id }) => id);
  return [...ids, ...(setup.written?.inputs ?? [])];
}

/** What a recipe merges that is no open model: stages, and models with adapters. */
export function otherInputs(recipe: Recipe, { base, specialists }: Collection): readonly string[] {
  const open = new Set([base, ...specialists].map(({ id }) => id));
  const entries = [...recipe.models, ...(recipe.slices ?? []).flatMap(({ sources }) => sources)];
  const named = entries.map(({ model }) => model).filter((id) => !open.has(id));
  return [...new Set(named)].filter((id) => id !== recipe.baseModel);
}
