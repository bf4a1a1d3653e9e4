import {
  dtypeSizesBytes,
  elementCountOf,
  isFloatDtype,
  type Dtype,
  type FloatDtype,
} from '../core/dtype';
import { base as baseWeight } from '../expr/build';
import type {
  LayerPlace,
  MethodDefinition,
  MethodNumbers,
  MethodOptions,
  TensorRole,
} from '../methods/method';
import { definitionFor } from '../methods/registry';
import { definitionCost } from './definition-cost';
import type { MatchedTensor } from './matched-tensor';
import type { ResolvedMerge } from './resolve-recipe';
import type { MemoryShares } from './memory-shares';
import { sliceElementsFor, sliceNeedsOf, type SliceNeeds } from './slice-size';
import { numbersFor, optionsFor, type ParameterSubject } from './tensor-numbers';
import type { FloatSource, TensorSource } from './tensor-source';

/** Copied tensors pass in pieces of this size. */
export const copyPieceBytes = 8 << 20;

/** A tensor of the merged checkpoint. */
export interface OutputTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

/** A tensor that is computed, with everything that is known of it beforehand. */
export interface MergedTensor extends OutputTensor {
  readonly kind: 'merge';
  readonly dtype: FloatDtype;
  readonly role: TensorRole;
  /** Absent outside the layers. */
  readonly layer: LayerPlace | undefined;
  readonly definition: MethodDefinition;
  readonly options: MethodOptions;
  readonly numbers: MethodNumbers;
  /** Whether the first source is the base of task vectors. */
  readonly hasBase: boolean;
  /** One of every model that takes part: the base, then the specialists in the recipe's order. */
  readonly sources: readonly FloatSource[];
  readonly sliceNeeds: SliceNeeds;
  /** Elements of one slice: a multiple of `chunkElements`, and of the row where rows are ranked. */
  readonly sliceElements: number;
  /** Whether all its slices stay loaded until it is merged. */
  readonly isResident: boolean;
}

/** A tensor that is taken from one model byte for byte. */
export interface CopiedTensor extends OutputTensor {
  readonly kind: 'copy';
  readonly source: TensorSource;
}

export type PlannedTensor = MergedTensor | CopiedTensor;

/** What becomes of a tensor that only the base has, or that the method leaves alone. */
const unchanged: MethodDefinition = { passes: [], output: baseWeight };

/**
 * Gives a tensor the method's definition for its role, its numbers, its dtype and its slices.
 * @throws LabError `recipe/missing-parameter`, `recipe/bad-value`
 */
export function planTensor(
  matched: MatchedTensor,
  merge: ResolvedMerge,
  shares: MemoryShares,
): PlannedTensor {
  if (matched.kind === 'keep') return keepTensor(matched, matched.tensor, merge, shares);
  const { method, random } = merge;
  const { name, role, layer, shape, base, specialists } = matched;
  const subject = subjectOf(matched, merge);
  const options = optionsFor(merge, subject);
  if (base !== undefined && method.keepsBase?.(role, options) === true) {
    return keepTensor(matched, base.tensor, merge, shares);
  }
  const specialistCount = specialists.length;
  const hasBase = base !== undefined;
  const tensors = specialists.map(({ tensor }) => tensor);
  const sources = hasBase ? [base.tensor, ...tensors] : tensors;
  return mergedTensor(shares, {
    name,
    role,
    layer,
    shape,
    hasBase,
    sources,
    options,
    dtype: merge.outDtype ?? (hasBase ? base.tensor.dtype : widestDtype(tensors)),
    definition: definitionFor(method, options, { specialistCount, hasBase, random }, role),
    numbers: numbersFor(merge, subject),
  });
}

/** Bytes of everything that a merged tensor is made from. */
export function inputBytesOf(tensor: PlannedTensor): number {
  if (tensor.kind === 'copy') return 0;
  return [...new Set(tensor.sources)].reduce((sum, source) => sum + source.sizeBytes, 0);
}

/** Models besides the base. */
export function specialistCountOf({ sources, hasBase }: MergedTensor): number {
  return sources.length - (hasBase ? 1 : 0);
}

/** Bytes of a tensor's inputs and computed inputs while all of them are loaded. */
export function loadedBytesOf({ shape, sliceNeeds }: MergedTensor): number {
  return elementCountOf(shape) * sliceNeeds.residentBytesPerElement;
}

function subjectOf(
  { name, slice, layer, specialists }: Extract<MatchedTensor, { kind: 'merge' }>,
  { slices }: ResolvedMerge,
): ParameterSubject {
  const resolved = slices[slice] ?? { base: undefined, specialists: [], settings: [] };
  const members = specialists.flatMap(({ place, inputName }) => {
    const source = resolved.specialists[place];
    return source === undefined ? [] : [{ source, inputName }];
  });
  return { name, slice: resolved, layer, members };
}

/** Copied as it is stored, or rounded to the merge's dtype. */
function keepTensor(
  { name, role, layer }: MatchedTensor,
  source: TensorSource,
  { outDtype }: ResolvedMerge,
  shares: MemoryShares,
): PlannedTensor {
  const { dtype, shape, sizeBytes } = source;
  if (!isFloatSource(source) || outDtype === undefined || outDtype === dtype) {
    return { kind: 'copy', name, dtype, shape, sizeBytes, source };
  }
  return mergedTensor(shares, {
    name,
    role,
    layer,
    shape,
    hasBase: true,
    // Kernels want a specialist; the same bytes are read once.
    sources: [source, source],
    options: {},
    dtype: outDtype,
    definition: unchanged,
    numbers: { scalars: {}, perModel: {} },
  });
}

function mergedTensor(
  { sliceBytes, residentBytes }: MemoryShares,
  known: Omit<MergedTensor, 'kind' | 'sizeBytes' | 'sliceNeeds' | 'sliceElements' | 'isResident'>,
): MergedTensor {
  const { name, role, layer, shape, dtype, sources, hasBase, definition } = known;
  const specialistCount = sources.length - (hasBase ? 1 : 0);
  const sliceNeeds = sliceNeedsOf(shape, sources, specialistCount, definitionCost(definition));
  const elementCount = elementCountOf(shape);
  // Written out, for this is done for every tensor at every movement of a slider.
  return {
    kind: 'merge',
    name,
    role,
    layer,
    shape,
    dtype,
    hasBase,
    sources,
    definition,
    options: known.options,
    numbers: known.numbers,
    sizeBytes: elementCount * dtypeSizesBytes[dtype],
    sliceNeeds,
    sliceElements: sliceElementsFor(shape, sliceNeeds, sliceBytes),
    isResident: elementCount * sliceNeeds.residentBytesPerElement <= residentBytes,
  };
}

/** The dtype that holds all of them: mixed halves are widened, as in mergekit. */
function widestDtype(sources: readonly FloatSource[]): FloatDtype {
  const [first] = sources;
  const isMixed = sources.some(({ dtype }) => dtype !== first?.dtype);
  return isMixed || first === undefined ? 'F32' : first.dtype;
}

function isFloatSource(source: TensorSource): source is FloatSource {
  return isFloatDtype(source.dtype);
}
