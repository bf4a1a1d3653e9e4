import type { Recipe, RecipeModel, RecipeSlice, Settings } from '../../recipe/recipe';
import type { Recipes } from '../../rpc/lab';

/** A recipe that a person wrote; the sliders show of it what they can. */
export interface WrittenRecipe {
  readonly text: string;
  /** What the last document of the text says; the sliders change this one. */
  readonly recipe: Recipe;
  /** The other documents, whose results the last may merge. */
  readonly stages: Recipes;
  /** What it merges beside models that are open: stages, and models with adapters. */
  readonly inputs: readonly string[];
  /** What is in force although no slider shows it, such as `weight of math` or `slices`. */
  readonly unshown: readonly string[];
}

/**
 * A written recipe after the sliders moved: what they changed is changed, all else stays. In `slices`,
 * a model's settings are changed wherever its layers are.
 * @param before what the sliders alone would say, and `after` what they say now
 */
export function withSliderChanges(recipe: Recipe, before: Recipe, after: Recipe): Recipe {
  const { baseModel, mergelab, models, slices, ...others } = recipe;
  const base = before.baseModel === after.baseModel ? baseModel : after.baseModel;
  const lab = withChanges(mergelab ?? {}, before.mergelab ?? {}, after.mergelab ?? {});
  return {
    ...others,
    mergeMethod: before.mergeMethod === after.mergeMethod ? recipe.mergeMethod : after.mergeMethod,
    ...(base === undefined ? {} : { baseModel: base }),
    ...(slices === undefined
      ? { models: modelsAfter(recipe, before, after) }
      : { models, slices: slicesAfter(slices, before, after) }),
    parameters: withChanges(recipe.parameters, before.parameters, after.parameters) as Settings,
    ...(Object.keys(lab).length === 0 ? {} : { mergelab: lab }),
  };
}

function modelsAfter(recipe: Recipe, before: Recipe, after: Recipe): readonly RecipeModel[] {
  const kept = recipe.models
    .filter(({ model }) => find(before, model) === undefined || find(after, model) !== undefined)
    .map((entry) => entryAfter(entry, before, after));
  // A specialist that the recipe leaves out comes in when its slider is touched.
  const added = after.models.filter(
    (entry) =>
      find(recipe, entry.model) === undefined &&
      JSON.stringify(find(before, entry.model)) !== JSON.stringify(entry),
  );
  return [...kept, ...added];
}

function slicesAfter(
  slices: readonly RecipeSlice[],
  before: Recipe,
  after: Recipe,
): readonly RecipeSlice[] {
  return slices.map((slice) => ({
    ...slice,
    sources: slice.sources.map((source) => entryAfter(source, before, after)),
  }));
}

function entryAfter<Entry extends RecipeModel>(entry: Entry, before: Recipe, after: Recipe): Entry {
  const earlier = find(before, entry.model)?.parameters ?? {};
  const later = find(after, entry.model)?.parameters;
  if (later === undefined) return entry;
  return { ...entry, parameters: withChanges(entry.parameters, earlier, later) as Settings };
}

function find({ models }: Recipe, id: string): RecipeModel | undefined {
  return models.find(({ model }) => model === id);
}

function withChanges(own: object, before: object, after: object): Record<string, unknown> {
  const [earlier, later] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const result = new Map<string, unknown>(Object.entries(own));
  for (const name of new Set([...earlier.keys(), ...later.keys()])) {
    if (earlier.get(name) === later.get(name)) continue;
    if (later.has(name)) result.set(name, later.get(name));
    else result.delete(name);
  }
  return Object.fromEntries(result);
}
