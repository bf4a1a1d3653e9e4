import { parseModelReference } from '../recipe/model-reference';
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

/**
 * What the last of several recipes needs from elsewhere: every model that it or a stage of it names,
 * and adapters of stages. `recipes` come in an order in which each uses only earlier ones.
 * @throws LabError `recipe/bad-value` for a name that is no reference
 */
export function neededModels(recipes: readonly Recipe[]): {
  /** References, such as `math` or `base+adapter`. */
  readonly models: readonly string[];
  /** Names of recipes that the last one does not use. */
  readonly unusedStages: readonly string[];
} {
  const stages = new Map(recipes.flatMap((recipe) => (recipe.name ? [[recipe.name, recipe]] : [])));
  const models = new Set<string>();
  const used = new Set<Recipe>();
  const visit = (recipe: Recipe | undefined): void => {
    if (recipe === undefined || used.has(recipe)) return;
    used.add(recipe);
    for (const id of namedModels(recipe)) {
      const stage = stages.get(parseModelReference(id).model.path);
      if (stage === undefined || stage === recipe) models.add(id);
      else visit(stage);
    }
  };
  visit(recipes.at(-1));
  const unused = recipes.filter((recipe) => !used.has(recipe));
  return { models: [...models], unusedStages: unused.flatMap(({ name }) => name ?? []) };
}

/** The model whose tokenizer the recipe asks for by name. */
export function tokenizerModel({ tokenizer }: Recipe): string | undefined {
  const source = tokenizer?.source;
  return source === 'union' || source === 'base' ? undefined : source;
}
