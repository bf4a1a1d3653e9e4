import type { Located, LocatedMap } from './located';
import { isEmpty, mapOf, mapsOf } from './read-lists';
import { requiredModel } from './read-model';
import { maxModelCount, readSlices } from './read-slices';
import { readSettings } from './read-settings';
import type { Reading } from './reading';
import type { RecipeModel, RecipeSlice, Settings } from './recipe';

const inputKeys = ['models', 'slices', 'modules'] as const;

/** What is merged. Exactly one of the two has entries, unless a problem was reported. */
export interface Inputs {
  readonly models: readonly RecipeModel[];
  readonly slices?: readonly RecipeSlice[];
  /** Of the one module, where the recipe has `modules`. */
  readonly moduleParameters?: Settings;
}

/** Reads `models`, `slices` or `modules` from the fields of a recipe. @param owner the mapping they stand in */
export function readInputs(
  owner: LocatedMap,
  fields: ReadonlyMap<string, Located>,
  reading: Reading,
): Inputs {
  const [chosen, another] = inputKeys.filter((key) => {
    const node = fields.get(key);
    return node !== undefined && !isEmpty(node);
  });
  if (chosen === undefined) {
    const isMisspelt = inputKeys.some(
      (key) => !fields.has(key) && !reading.lacks(owner, fields, key, 'recipe'),
    );
    // One mistake makes one problem.
    if (!isMisspelt) {
      reading.problems.error(
        'recipe/syntax',
        fields.get('models') ?? owner,
        'there is nothing to merge. List models, with entries such as "- model: math", or slices.',
      );
    }
    return { models: [] };
  }
  const node = fields.get(chosen);
  if (another !== undefined) {
    const sentence = `a recipe has either ${chosen} or ${another}. Remove one of them.`;
    reading.problems.error('recipe/syntax', fields.get(another) ?? owner, sentence);
  }
  if (chosen === 'models') return { models: readModels(node, reading) };
  if (chosen === 'slices') return { models: [], slices: readSlices(node, reading) };
  return readModules(node, reading);
}

/**
 * A language model has one module, which is folded into the recipe; its name depends on the
 * architecture and does not matter.
 */
function readModules(node: Located | undefined, reading: Reading): Inputs {
  const map = mapOf(node, 'modules', reading);
  const [first, second] = map?.entries ?? [];
  if (first === undefined) return { models: [] };
  if (second !== undefined) {
    reading.problems.error(
      'recipe/bad-value',
      second.keySpan,
      'only language models with a single module can be merged. Keep one module.',
    );
    return { models: [] };
  }
  const module = mapOf(first.value, `modules.${first.key}`, reading);
  if (module === undefined) return { models: [] };
  const fields = reading.fields(module, 'module');
  const inputs = readInputs(module, fields, reading);
  return { ...inputs, moduleParameters: readSettings(fields.get('parameters'), 'method', reading) };
}

function readModels(node: Located | undefined, reading: Reading): RecipeModel[] {
  const entries = mapsOf(node, 'models', maxModelCount, reading);
  const models: RecipeModel[] = [];
  for (const map of entries) {
    const fields = reading.fields(map, 'model');
    const parameters = readSettings(fields.get('parameters'), 'model', reading);
    const model = requiredModel(map, fields, 'model', reading);
    if (model === undefined) continue;
    if (models.some((earlier) => earlier.model === model)) {
      const sentence = 'this model is listed twice, and only its first entry counts. Remove one.';
      reading.problems.warning('recipe/bad-value', fields.get('model') ?? map, sentence);
    }
    models.push({ model, parameters });
  }
  return models;
}
