import { stringify } from 'yaml';
import type { ParameterValues, Recipe } from './recipe';

/**
 * The recipe as YAML that mergekit runs unchanged when it uses mergekit's methods; mergekit ignores
 * the key `mergelab`.
 */
export function writeRecipe(recipe: Recipe): string {
  // mergekit loads YAML 1.1, in which a bare yes or no is a boolean: such names must be quoted.
  return stringify(recipeKeys(recipe), { version: '1.1' });
}

/** The recipe under mergekit's key names, absent parts left out, in a fixed order. */
export function recipeKeys(recipe: Recipe): Record<string, unknown> {
  const { baseModel, dtype, outDtype, mergelab } = recipe;
  return {
    merge_method: recipe.mergeMethod,
    ...(baseModel === undefined ? {} : { base_model: baseModel }),
    models: recipe.models.map(({ model, parameters }) => ({
      model,
      ...parametersKey(parameters),
    })),
    ...parametersKey(recipe.parameters),
    ...(dtype === undefined ? {} : { dtype }),
    ...(outDtype === undefined ? {} : { out_dtype: outDtype }),
    ...(mergelab === undefined ? {} : { mergelab: sorted(mergelab) }),
  };
}

function parametersKey(parameters: ParameterValues): Record<string, unknown> {
  return Object.keys(parameters).length === 0 ? {} : { parameters: sorted(parameters) };
}

function sorted(values: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}
