import { dtypeSizesBytes, elementCountOf } from '../core/dtype';
import { definitionCost } from './definition-cost';
import type { MemoryShares } from './memory-shares';
import {
  copyPieceBytes,
  inputBytesOf,
  loadedBytesOf,
  specialistCountOf,
  type MergedTensor,
  type PlannedTensor,
} from './plan-tensor';
import { wholeModelGroups } from './whole-model-groups';

/** What a merge costs, computed from headers alone. */
export interface MergeCost {
  readonly tensorCount: number;
  /** Elements of merged tensors, of one model. */
  readonly elementCount: number;
  /** Reads of all passes at most; a rare second look at equal magnitudes comes on top. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** How often the weights are gone through at most, the merge itself included. */
  readonly passCount: number;
  /**
   * Slices, computed inputs, look-ahead, matrices on the host, and results; models that lie in memory
   * themselves come on top.
   */
  readonly peakMemoryBytes: number;
}

/** Adds up what the tensors cost. */
export function costOf(
  tensors: readonly PlannedTensor[],
  { residentBytes }: MemoryShares,
): MergeCost {
  const merged = tensors.filter((tensor) => tensor.kind === 'merge');
  const measuring = wholeModelGroups(merged).map((group) => groupCost(group, residentBytes));
  const cost = {
    tensorCount: tensors.length,
    elementCount: 0,
    bytesRead: measuring.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    bytesWritten: 0,
    passCount: 1,
    peakMemoryBytes: Math.max(0, ...measuring.map(({ peakBytes }) => peakBytes)),
  };
  for (const tensor of tensors) {
    cost.bytesWritten += tensor.sizeBytes;
    const one = tensorCost(tensor);
    cost.bytesRead += one.bytesRead;
    cost.peakMemoryBytes = Math.max(cost.peakMemoryBytes, one.peakBytes);
    if (tensor.kind === 'copy') continue;
    cost.elementCount += elementCountOf(tensor.shape);
    const { scans } = definitionCost(tensor.definition);
    cost.passCount = Math.max(cost.passCount, 1 + scans.tensor + scans.model);
  }
  return cost;
}

export interface OneCost {
  readonly bytesRead: number;
  readonly peakBytes: number;
}

/** Tensors that are measured together, all of them loaded if they are small. */
function groupCost(group: readonly MergedTensor[], residentBytes: number): OneCost {
  const inputBytes = group.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0);
  const scans = Math.max(
    0,
    ...group.map(({ definition }) => definitionCost(definition).scans.model),
  );
  const isResident = inputBytes <= residentBytes;
  const sliceBytes = Math.max(0, ...group.map(sliceBytesOf));
  return {
    bytesRead: inputBytes * (isResident ? 1 : scans),
    peakBytes: (isResident ? inputBytes : sliceBytes) + 3 * sliceBytes,
  };
}

/** How often a merge goes through a tensor's inputs, measurements over the whole model left out. */
export function readsOf(tensor: MergedTensor): number {
  return tensor.isResident ? 1 : 1 + definitionCost(tensor.definition).scans.tensor;
}

/** What one tensor costs by itself. */
export function tensorCost(tensor: PlannedTensor): OneCost {
  if (tensor.kind === 'copy') {
    const pieceBytes = Math.min(tensor.sizeBytes, copyPieceBytes);
    return { bytesRead: tensor.sizeBytes, peakBytes: 4 * pieceBytes };
  }
  const { needsMatrices } = definitionCost(tensor.definition);
  const inputBytes = inputBytesOf(tensor);
  // Every specialist's matrix and what it is taken apart into, and the solution.
  const matrixBytes = needsMatrices
    ? 4 * elementCountOf(tensor.shape) * (2 * specialistCountOf(tensor) + 1)
    : 0;
  const sliceBytes = sliceBytesOf(tensor);
  const loadedBytes = tensor.isResident ? loadedBytesOf(tensor) : sliceBytes;
  const outBytes = sliceElementsOf(tensor) * dtypeSizesBytes[tensor.dtype];
  return {
    bytesRead: inputBytes * readsOf(tensor),
    // At work, its copy on the way to a GPU, the next one and the next tensor's first being read; a
    // result as it is computed and copied, and two on their way to the sink.
    peakBytes: loadedBytes + 3 * sliceBytes + 4 * outBytes + matrixBytes,
  };
}

function sliceBytesOf(tensor: MergedTensor): number {
  return sliceElementsOf(tensor) * tensor.sliceNeeds.bytesPerElement;
}

function sliceElementsOf({ sliceElements, shape }: MergedTensor): number {
  return Math.min(sliceElements, elementCountOf(shape));
}
