import type { Located } from './located';
import { isEmpty, mapsOf } from './read-lists';
import { readModel, requiredModel } from './read-model';
import { readSettings } from './read-settings';
import type { Reading } from './reading';
import type { RecipeSlice, RecipeSource } from './recipe';

/** MergeBench merges five models; twelve sliders fit a page. More than 64 is a mistake. */
export const maxModelCount = 64;
/** Layer-wise recipes of the deepest models have fewer slices and layers than this. */
const maxSliceCount = 1024;
const maxLayer = 10_000;

/** Reads `slices`; all sources of a slice have equally many layers. */
export function readSlices(node: Located | undefined, reading: Reading): RecipeSlice[] {
  return mapsOf(node, 'slices', maxSliceCount, reading).map((map) => {
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
  for (const map of mapsOf(node, 'sources', maxModelCount, reading)) {
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

function lengthOf([start, end]: readonly [number, number]): number {
  return end - start;
}
