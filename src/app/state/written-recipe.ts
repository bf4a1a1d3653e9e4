import type { Recipe, RecipeModel, Settings } from '../../recipe/recipe';

/** A recipe that a person wrote; the sliders show of it what they can. */
export interface WrittenRecipe {
  readonly text: string;
  /** What the text says. */
  readonly recipe: Recipe;
  /** What is in force although no slider shows it, such as `weight of math` or `slices`. */
  readonly unshown: readonly string[];
}

/**
 * A written recipe after the sliders moved: what they changed is changed, all else stays. Layers of
 * `slices` have their models to themselves, so that only settings of the whole merge reach them.
 * @param before what the sliders alone would say, and `after` what they say now
 */
export function withSliderChanges(recipe: Recipe, before: Recipe, after: Recipe): Recipe {
  const { baseModel, mergelab, ...others } = recipe;
  const base = before.baseModel === after.baseModel ? baseModel : after.baseModel;
  const lab = withChanges(mergelab ?? {}, before.mergelab ?? {}, after.mergelab ?? {});
  return {
    ...others,
    mergeMethod: before.mergeMethod === after.mergeMethod ? recipe.mergeMethod : after.mergeMethod,
    ...(base === undefined ? {} : { baseModel: base }),
    models: recipe.slices === undefined ? modelsAfter(recipe, before, after) : recipe.models,
    parameters: withChanges(recipe.parameters, before.parameters, after.parameters) as Settings,
    ...(Object.keys(lab).length === 0 ? {} : { mergelab: lab }),
  };
}

function modelsAfter(recipe: Recipe, before: Recipe, after: Recipe): readonly RecipeModel[] {
  const find = ({ models }: Recipe, id: string): RecipeModel | undefined =>
    models.find(({ model }) => model === id);
  const kept = recipe.models
    .filter(({ model }) => find(before, model) === undefined || find(after, model) !== undefined)
    .map((entry) => {
      const earlier = find(before, entry.model)?.parameters ?? {};
      const later = find(after, entry.model)?.parameters;
      return later === undefined
        ? entry
        : { ...entry, parameters: withChanges(entry.parameters, earlier, later) as Settings };
    });
  // A specialist that the recipe leaves out comes in when its slider is touched.
  const added = after.models.filter(
    (entry) =>
      find(recipe, entry.model) === undefined &&
      JSON.stringify(find(before, entry.model)) !== JSON.stringify(entry),
  );
  return [...kept, ...added];
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
