import { isAbsent, type Located, type LocatedMap } from './located';
import { readModel } from './read-model';
import { readSettings } from './read-settings';
import type { Reading } from './reading';
import type { RecipeModel, RecipeSlice, RecipeSource, Settings } from './recipe';

/** MergeBench merges five models; twelve sliders fit a page. More than 64 is a mistake. */
const maxModelCount = 64;
/** Layer-wise recipes of the deepest models have fewer slices and layers than this. */
const maxSliceCount = 1024;
const maxLayer = 10_000;

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
  const entries = maps(node, 'models', maxModelCount, reading);
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

function readSlices(node: Located | undefined, reading: Reading): RecipeSlice[] {
  return maps(node, 'slices', maxSliceCount, reading).map((map) => {
    const fields = reading.fields(map, 'slice');
    const sourcesNode = fields.get('sources');
    if (reading.lacks(map, fields, 'sources', 'slice') || isEmpty(sourcesNode)) {
      const sentence =
        'this slice has no sources. Add entries such as "- model: math" with a layer_range.';
      reading.problems.error('recipe/syntax', sourcesNode ?? map, sentence);
    }
    const residual = fields.get('residual_weight');
    if (residual !== undefined) {
      const sentence = 'residual_weight does nothing, in mergekit as here. Remove it.';
      reading.problems.warning('recipe/bad-value', residual, sentence);
    }
    const baseModel = readModel(fields.get('base_model'), 'base_model', reading);
    return {
      sources: isEmpty(sourcesNode) ? [] : readSources(sourcesNode, reading),
      ...(baseModel === undefined ? {} : { baseModel }),
      parameters: readSettings(fields.get('parameters'), 'method', reading),
    };
  });
}

function readSources(node: Located | undefined, reading: Reading): RecipeSource[] {
  const sources: RecipeSource[] = [];
  for (const map of maps(node, 'sources', maxModelCount, reading)) {
    const fields = reading.fields(map, 'source');
    const parameters = readSettings(fields.get('parameters'), 'model', reading);
    const model = requiredModel(map, fields, 'source', reading);
    if (reading.lacks(map, fields, 'layer_range', 'source')) {
      const sentence = 'this source has no layer_range. Add one, such as layer_range: [0, 16].';
      reading.problems.error('recipe/syntax', map, sentence);
    }
    const rangeNode = fields.get('layer_range');
    const layerRange = rangeNode === undefined ? undefined : readRange(rangeNode, reading);
    if (model === undefined || layerRange === undefined) continue;
    const first = sources[0]?.layerRange;
    if (first !== undefined && lengthOf(first) !== lengthOf(layerRange)) {
      const sentence = `all sources of a slice have equally many layers, but this one has ${lengthOf(layerRange)} and the first ${lengthOf(first)}. Correct layer_range.`;
      reading.badValue(rangeNode ?? map, sentence);
    }
    sources.push({ model, layerRange, parameters });
  }
  return sources;
}

/** Unlike mergekit, which makes an empty slice of them, negative and reversed ranges are errors. */
function readRange(node: Located, reading: Reading): readonly [number, number] | undefined {
  if (node.kind !== 'list' || node.items.length !== 2) {
    const sentence =
      'layer_range must be two whole numbers: the first layer and the one after the last.';
    reading.badValue(node, sentence);
    return undefined;
  }
  const start = reading.wholeNumber(node.items[0], 'the first layer', 0);
  const end = reading.wholeNumber(node.items[1], 'the layer after the last', 0);
  if (start === undefined || end === undefined) return undefined;
  if (end < start || end > maxLayer) {
    const sentence =
      end < start
        ? `layer_range ends at ${end}, before it starts at ${start}. Swap the two.`
        : `layer_range ends at ${end}; at most ${maxLayer} layers can be named. Correct it.`;
    reading.badValue(node, sentence);
    return undefined;
  }
  return [start, end];
}

function requiredModel(
  map: LocatedMap,
  fields: ReadonlyMap<string, Located>,
  kind: 'model' | 'source',
  reading: Reading,
): string | undefined {
  if (reading.lacks(map, fields, 'model', kind)) {
    const list = kind === 'model' ? 'models' : 'sources';
    const sentence = `this entry of ${list} has no model. Add one, such as model: math.`;
    reading.problems.error('recipe/syntax', map, sentence);
  }
  return readModel(fields.get('model'), 'model', reading);
}

/** The mappings of a list; what is not one is reported. */
function maps(
  node: Located | undefined,
  key: string,
  maxCount: number,
  reading: Reading,
): LocatedMap[] {
  if (isAbsent(node)) return [];
  if (node.kind !== 'list') {
    const sentence = `${key} must be a list. Start each entry with a dash.`;
    reading.problems.error('recipe/syntax', node, sentence);
    return [];
  }
  if (node.items.length > maxCount) {
    const sentence = `${key} has ${node.items.length} entries; at most ${maxCount} can be merged. Shorten it.`;
    reading.badValue(node, sentence);
    return [];
  }
  return node.items.flatMap((item) => {
    const map = mapOf(item, `each entry of ${key}`, reading);
    return map === undefined ? [] : [map];
  });
}

function mapOf(node: Located | undefined, what: string, reading: Reading): LocatedMap | undefined {
  if (node?.kind === 'map') return node;
  if (node !== undefined) {
    const sentence = `${what} must be a mapping of keys and values. Correct it.`;
    reading.problems.error('recipe/syntax', node, sentence);
  }
  return undefined;
}

function isEmpty(node: Located | undefined): boolean {
  if (node?.kind === 'list') return node.items.length === 0;
  return node?.kind === 'map' && node.entries.length === 0;
}

function lengthOf([start, end]: readonly [number, number]): number {
  return end - start;
}
