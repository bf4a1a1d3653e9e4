import { dtypeSizesBytes, elementCountOf, type Dtype, type FloatDtype } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import { chunkElements } from '../expr/backend';
import type { JsonObject } from '../formats/bounded-json';
import type { TensorInfo } from '../formats/checkpoint-reader';
import type { MethodDefinition } from '../methods/method';
import type { Recipe } from '../recipe/recipe';
import { compareConfigs, compareTokenizers, readConfig } from './compare-configs';
import type { Finding } from './finding';
import { matchTensors, type MatchedTensor } from './match-tensors';
import type { ModelInput, ModelInputs } from './model-input';
import { resolveRecipe, type ResolvedMerge } from './resolve-recipe';

/** Inputs of one slice, all models together: large enough to hide the cost of a call. */
const sliceBudgetBytes = 32 << 20;
/** What stays loaded between the passes of a method instead of being read again. */
const residentBudgetBytes = 96 << 20;

/** A tensor of the output with everything that is known of it beforehand. */
export type PlannedTensor = OutputTensor &
  (
    | {
        readonly kind: 'merge';
        readonly dtype: FloatDtype;
        /** One of each model, base first when the method uses it. */
        readonly sources: readonly (TensorInfo & { readonly dtype: FloatDtype })[];
        /** Elements of one slice: a multiple of `chunkElements`. */
        readonly sliceElements: number;
        /** Whether all its slices stay loaded until it is merged. */
        readonly isResident: boolean;
      }
    | { readonly kind: 'copy'; readonly source: TensorInfo }
  );

export interface OutputTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

/** What a merge costs, computed from headers alone. */
export interface MergeCost {
  readonly tensorCount: number;
  /** Elements of merged tensors, of one model. */
  readonly elementCount: number;
  /** All reads of all passes; a rare second look at equal magnitudes comes on top. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** How often the weights are gone through, the merge itself included. */
  readonly passCount: number;
  /** Slices, look-ahead and result; models that lie in memory themselves come on top. */
  readonly peakMemoryBytes: number;
}

/** What will be merged from what, and everything that speaks against it. */
export interface MergePlan {
  readonly merge: ResolvedMerge;
  /** The models in the order of `sources`: the base first when the method uses it. */
  readonly models: readonly ModelInput[];
  readonly donor: ModelInput;
  readonly donorConfig: JsonObject;
  readonly untiesHead: boolean;
  readonly tensors: readonly PlannedTensor[];
  readonly findings: readonly Finding[];
  readonly cost: MergeCost;
}

/**
 * Plans a merge without reading a weight. What does not fit is listed in `findings`, all of it, so
 * that a person can see it at once; `throwFirstError` turns it into an error.
 *
 * @throws LabError as `resolveRecipe`; `recipe/missing-model` when the recipe names a model that is
 * not in `inputs`; `source/missing-file`, `format/bad-config` for configs
 */
export async function planMerge(
  recipe: Recipe,
  inputs: ModelInputs,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<MergePlan> {
  const merge = resolveRecipe(recipe);
  const order = merge.base === undefined ? merge.specialists : [merge.base, ...merge.specialists];
  const models = order.map((id) => inputOf(inputs, id));
  const donor = inputOf(inputs, merge.donor);
  const donorFirst = [donor, ...models.filter((model) => model !== donor)];
  const configs: JsonObject[] = [];
  for (const model of donorFirst) configs.push(await readConfig(model, options.signal));
  const { tensors: matched, findings, untiesHead } = matchTensors(donorFirst);
  const tensors = matched.map((tensor) => planTensor(tensor, models, donorFirst, merge));
  return {
    merge,
    models,
    donor,
    donorConfig: configs[0] ?? {},
    untiesHead,
    tensors,
    findings: [
      ...findings,
      ...compareConfigs(donorFirst, configs),
      ...compareTokenizers(donorFirst),
    ],
    cost: costOf(tensors, merge.definition),
  };
}

function inputOf(inputs: ModelInputs, id: string): ModelInput {
  const input = inputs.get(id);
  if (input !== undefined) return input;
  const known = [...inputs.keys()].join(', ');
  throw new LabError(
    'recipe/missing-model',
    `The recipe names the model "${id}", which is not here; open it, or use one of ${known}.`,
    { details: { model: id } },
  );
}

function planTensor(
  matched: MatchedTensor,
  models: readonly ModelInput[],
  donorFirst: readonly ModelInput[],
  merge: ResolvedMerge,
): PlannedTensor {
  if (matched.kind === 'copy') {
    const { name, source } = matched;
    const { dtype, shape, sizeBytes } = source;
    return { kind: 'copy', name, dtype, shape, sizeBytes, source };
  }
  const { name, shape } = matched;
  // Matching put the donor first; kernels want the method's own order, without a mere donor.
  const sources = models.map((model) => {
    const source = matched.sources[donorFirst.indexOf(model)];
    invariant(source !== undefined, 'every model has a source');
    return source;
  });
  const elementCount = elementCountOf(shape);
  const donorDtype = matched.sources[0]?.dtype ?? 'F32';
  const dtype = merge.outDtype ?? donorDtype;
  const inputBytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    kind: 'merge',
    name,
    dtype,
    shape,
    sizeBytes: elementCount * dtypeSizesBytes[dtype],
    sources,
    sliceElements: sliceElementsFor(sources, sliceBudgetBytes),
    isResident: staysResident(inputBytes),
  };
}

/** Whether inputs of this size stay loaded between passes. */
export function staysResident(inputBytes: number): boolean {
  return inputBytes <= residentBudgetBytes;
}

/** Bytes of everything that a merged tensor is made from. */
export function inputBytesOf(tensor: PlannedTensor): number {
  if (tensor.kind === 'copy') return 0;
  return tensor.sources.reduce((sum, source) => sum + source.sizeBytes, 0);
}

/** The largest multiple of `chunkElements` whose inputs fit the budget; one chunk at least. */
export function sliceElementsFor(
  sources: readonly { readonly dtype: FloatDtype }[],
  budgetBytes: number,
): number {
  const bytesPerElement = sources.reduce((sum, { dtype }) => sum + dtypeSizesBytes[dtype], 0);
  return Math.max(1, Math.floor(budgetBytes / bytesPerElement / chunkElements)) * chunkElements;
}

/** How often a definition goes through one tensor before its output, and how often through all. */
export function scanCounts(definition: MethodDefinition): { tensor: number; model: number } {
  const lastModelPass = definition.passes.findLastIndex((pass) => pass.scope === 'model');
  const counts = { tensor: 0, model: 0 };
  definition.passes.forEach((pass, index) => {
    // A k-th magnitude takes three histograms.
    const isEmpty = pass.kind === 'reduce' && Object.keys(pass.reductions).length === 0;
    const scans = pass.kind === 'top' ? 3 : isEmpty ? 0 : 1;
    counts[index <= lastModelPass ? 'model' : 'tensor'] += scans;
  });
  return counts;
}

function costOf(tensors: readonly PlannedTensor[], definition: MethodDefinition): MergeCost {
  const scans = scanCounts(definition);
  const totalInputBytes = tensors.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0);
  // A small model stays loaded while all of it is measured.
  const measuresResident = scans.model > 0 && staysResident(totalInputBytes);
  let bytesRead = totalInputBytes * (measuresResident ? 1 : scans.model);
  let elementCount = 0;
  let bytesWritten = 0;
  let peakMemoryBytes = measuresResident ? totalInputBytes : 0;
  for (const tensor of tensors) {
    bytesWritten += tensor.sizeBytes;
    const outBytes = Math.min(tensor.sizeBytes, sliceBudgetBytes);
    if (tensor.kind === 'copy') {
      bytesRead += tensor.sizeBytes;
      peakMemoryBytes = Math.max(peakMemoryBytes, 2 * outBytes);
      continue;
    }
    elementCount += elementCountOf(tensor.shape);
    const inputBytes = inputBytesOf(tensor);
    bytesRead += inputBytes * (tensor.isResident ? 1 : 1 + scans.tensor);
    const sliceBytes = Math.min(inputBytes, sliceBudgetBytes);
    // One slice at work, one being read, two results on their way to the sink.
    const loadedBytes = tensor.isResident ? inputBytes : sliceBytes;
    peakMemoryBytes = Math.max(peakMemoryBytes, loadedBytes + sliceBytes + 2 * outBytes);
  }
  return {
    tensorCount: tensors.length,
    elementCount,
    bytesRead,
    bytesWritten,
    passCount: 1 + scans.tensor + scans.model,
    peakMemoryBytes,
  };
}
