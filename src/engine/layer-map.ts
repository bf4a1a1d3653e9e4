import { quoted } from '../formats/text';
import type { LayerPlace } from '../methods/method';
import { inLayer, layerNameOf, standsAfterLayers } from './architecture';
import type { Finding } from './finding';
import type { ModelTensors } from './model-tensors';
import type { ResolvedMerge, ResolvedSlice, ResolvedSource } from './resolve-recipe';

/** A tensor of the output before anybody has looked whether its sources exist. */
export interface OutputName {
  readonly name: string;
  readonly slice: ResolvedSlice;
  /** Absent outside the layers. */
  readonly layer: LayerPlace | undefined;
  /** The tensor's name in a model of the slice: layers are numbered anew in the output. */
  readonly nameIn: (source: ResolvedSource) => string;
}

/** The layers of an output whose recipe stacks slices. */
export interface LayerMap {
  readonly names: readonly OutputName[];
  readonly findings: readonly Finding[];
  /** For every layer of the output, the model it takes its kind from and the layer's number there. */
  readonly origins: readonly { readonly model: string; readonly layer: number }[];
}

/** Models by their name in the recipe. */
export type ModelsById = ReadonlyMap<string, ModelTensors>;

/** The models of a slice, the base first. */
export function sourcesOf({ base, specialists }: ResolvedSlice): readonly ResolvedSource[] {
  return base === undefined ? specialists : [base, ...specialists];
}

/**
 * Names of the output when all models take part with all their layers: the donor's in its order,
 * then what only others have. Gradients run over each stack of layers.
 */
export function namesOfWholeModels(
  slice: ResolvedSlice,
  models: ModelsById,
  donor: ModelTensors,
): readonly OutputName[] {
  return unionOfNames(sourcesOf(slice), models, donor).map((name) => {
    const layer = layerNameOf(name);
    const indices = layer === undefined ? undefined : donor.stacks.get(layer.stack);
    const index = layer === undefined ? -1 : (indices?.indexOf(layer.index) ?? -1);
    return {
      name,
      slice,
      layer: indices === undefined || index < 0 ? undefined : { index, count: indices.length },
      nameIn: () => name,
    };
  });
}

/**
 * Names of the output of a recipe with slices: layers are numbered from 0 in the slices' order; what
 * stands before the layers is merged from the models of the first slice, what stands after them from
 * those of the last.
 */
export function namesOfSlices(
  merge: ResolvedMerge,
  models: ModelsById,
  donor: ModelTensors,
): LayerMap {
  const { slices } = merge;
  const stack = stackOf(donor);
  if (typeof stack !== 'string') return { names: [], origins: [], findings: [stack] };
  const findings = slices.flatMap((slice, index) => checkRanges(slice, index, models));
  if (findings.length > 0) return { names: [], origins: [], findings };

  const layers: OutputName[] = [];
  const origins: { model: string; layer: number }[] = [];
  for (const slice of slices) {
    const [first] = sourcesOf(slice);
    const count = lengthOf(first);
    for (let index = 0; index < count; index++) {
      const layer = { index, count };
      const number = origins.length;
      const start = first?.layerRange?.[0] ?? 0;
      origins.push({ model: first?.model ?? '', layer: start + index });
      for (const rest of restsOf(slice, index, models, donor)) {
        const name = `${stack}.${number}.${rest}`;
        const parts = { stack, index: number, rest };
        const nameIn = ({ layerRange }: ResolvedSource): string =>
          inLayer(parts, (layerRange?.[0] ?? 0) + index);
        layers.push({ name, slice, layer, nameIn });
      }
    }
  }
  if (origins.length === 0) {
    return { names: [], origins, findings: [noLayers()] };
  }
  return {
    names: [
      ...outside(slices[0], models, donor, stack, false),
      ...layers,
      ...outside(slices.at(-1), models, donor, stack, true),
    ],
    origins,
    findings: [],
  };
}

/** Tensors of no layer, before or after the layers; other stacks stand before. */
function outside(
  slice: ResolvedSlice | undefined,
  models: ModelsById,
  donor: ModelTensors,
  stack: string,
  isAfter: boolean,
): readonly OutputName[] {
  if (slice === undefined) return [];
  return unionOfNames(sourcesOf(slice), models, donor)
    .filter((name) => {
      const layer = layerNameOf(name);
      if (layer !== undefined) return layer.stack !== stack && !isAfter;
      return standsAfterLayers(name) === isAfter;
    })
    .map((name) => ({ name, slice, layer: undefined, nameIn: () => name }));
}

/** What a layer consists of, in the donor's order: the rest of the names after the number. */
function restsOf(
  slice: ResolvedSlice,
  index: number,
  models: ModelsById,
  donor: ModelTensors,
): readonly string[] {
  const wanted = new Set<string>();
  for (const { model, layerRange } of sourcesOf(slice)) {
    const number = (layerRange?.[0] ?? 0) + index;
    for (const rest of models.get(model)?.layerRests(number) ?? []) wanted.add(rest);
  }
  const order = donor.layerRests(donor.firstLayer);
  const known = order.filter((rest) => wanted.has(rest));
  return [...known, ...[...wanted].filter((rest) => !order.includes(rest))];
}

/** Names in the donor's spelling and order, then those that only others have. */
function unionOfNames(
  sources: readonly ResolvedSource[],
  models: ModelsById,
  donor: ModelTensors,
): readonly string[] {
  const wanted = new Set<string>();
  for (const { model } of sources) {
    for (const name of models.get(model)?.names ?? []) wanted.add(donor.spellingOf(name));
  }
  const known = donor.names.filter((name) => wanted.delete(name));
  return [...known, ...wanted];
}

function lengthOf(source: ResolvedSource | undefined): number {
  const [start, end] = source?.layerRange ?? [0, 0];
  return end - start;
}

/** The one stack of layers that slices are taken from; sight and hearing do not count. */
function stackOf(donor: ModelTensors): string | Finding {
  const stacks = donor.textStacks;
  const [stack] = stacks;
  if (stack !== undefined && stacks.length === 1) return stack;
  const found = stacks.length === 0 ? 'none' : stacks.map((name) => quoted(name)).join(', ');
  return {
    severity: 'error',
    code: 'recipe/bad-value',
    sentence: `Slices take layers from models with one stack of layers, but ${quoted(donor.model.id)} has ${found}; merge whole models instead.`,
    models: [donor.model.id],
  };
}

function checkRanges(slice: ResolvedSlice, index: number, models: ModelsById): readonly Finding[] {
  const sources = sourcesOf(slice);
  const owner = `Slice ${index + 1}`;
  for (const { model, layerRange = [0, 0] } of sources) {
    const [start, end] = layerRange;
    const layerCount = models.get(model)?.layerCount ?? 0;
    const shown = `layer_range [${start}, ${end}] of ${quoted(model)}`;
    if (start > end || start < 0) {
      return [
        rangeFinding(
          `${owner} has ${shown}, which holds no layers; give the first layer and the one after the last.`,
          model,
        ),
      ];
    }
    if (end > layerCount) {
      return [
        rangeFinding(
          `${owner} has ${shown}, but that model has ${layerCount} layers; end at ${layerCount} at most.`,
          model,
        ),
      ];
    }
  }
  const odd = sources.find((source) => lengthOf(source) !== lengthOf(sources[0]));
  if (odd === undefined) return [];
  const counts = sources.map((source) => `${lengthOf(source)} of ${quoted(source.model)}`);
  return [
    rangeFinding(
      `${owner} merges ${counts.join(', ')} layers; give all sources of a slice equally many.`,
      odd.model,
    ),
  ];
}

function noLayers(): Finding {
  return rangeFinding('The slices hold no layers at all; widen a layer_range.', '');
}

function rangeFinding(sentence: string, model: string): Finding {
  const models = model === '' ? [] : [model];
  return { severity: 'error', code: 'recipe/bad-value', sentence, models };
}
