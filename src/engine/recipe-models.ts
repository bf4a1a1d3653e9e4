import type { Recipe } from '../recipe/recipe';

/** The models whose weights a recipe merges, each once: the base first, then as they are listed. */
export function mergedModels(recipe: Recipe): readonly string[] {
  const models = new Set<string>();
  if (recipe.baseModel !== undefined) models.add(recipe.baseModel);
  for (const { model } of recipe.models) models.add(model);
  for (const { sources, baseModel } of recipe.slices ?? []) {
    for (const { model } of sources) models.add(model);
    if (baseModel !== undefined) models.add(baseModel);
  }
  return [...models];
}

/** All models that a recipe names, those of its tokenizer included. */
export function namedModels(recipe: Recipe): readonly string[] {
  const models = new Set(mergedModels(recipe));
  const source = tokenizerModel(recipe);
  if (source !== undefined) models.add(source);
  return [...models];
}

/** The model whose tokenizer the recipe asks for by name. */
export function tokenizerModel({ tokenizer }: Recipe): string | undefined {
  const source = tokenizer?.source;
  return source === 'union' || source === 'base' ? undefined : source;
}
