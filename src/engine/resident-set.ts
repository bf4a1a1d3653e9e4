import { dtypeSizesBytes } from '../core/dtype';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import { PassMemory } from '../methods/pass-memory';
import type { MergePlan } from './plan';
import { inputBytesOf, loadedBytesOf } from './plan-tensor';
import { TensorSlices } from './tensor-slices';
import { readSource } from './tensor-source';

/** One set of models loaded into the back end. */
export interface ResidentSet {
  readonly slices: ReadonlyMap<string, TensorSlices>;
  /** Tensors that are no weights, read once. */
  readonly copies: ReadonlyMap<string, Uint8Array>;
  /** Thresholds and sums that a slider leaves as they are. */
  readonly memory: PassMemory;
  /** In the back end; see `residentBytesOf`. */
  readonly sizeBytes: number;
  /** Merges that are going on; a set in use is not evicted. */
  readonly users: Set<Promise<unknown>>;
}

/** Bytes that a set takes in the back end: inputs and computed inputs of every tensor. */
export function residentBytesOf({ tensors }: MergePlan): number {
  return tensors.reduce(
    (sum, tensor) => sum + (tensor.kind === 'merge' ? loadedBytesOf(tensor) : 0),
    0,
  );
}

/** Bytes of the results of `atOnce` slices, each of another tensor, at most. */
export function resultBytesOf({ tensors }: MergePlan, atOnce: number): number {
  return tensors
    .flatMap((tensor) =>
      tensor.kind === 'copy' ? [] : [tensor.sliceElements * dtypeSizesBytes[tensor.dtype]],
    )
    .sort((left, right) => right - left)
    .slice(0, atOnce)
    .reduce((sum, sizeBytes) => sum + sizeBytes, 0);
}

/**
 * Loads all that a plan reads.
 * @throws LabError as the sources and the back end; nothing stays loaded then
 */
export async function loadResidentSet(
  plan: MergePlan,
  backend: MergeBackend,
  { signal, onProgress }: LongTask,
): Promise<ResidentSet> {
  const slices = new Map<string, TensorSlices>();
  const copies = new Map<string, Uint8Array>();
  const totalBytes = plan.tensors.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0);
  const meter = new ProgressMeter('Loading the models', totalBytes, 'bytes', onProgress);
  try {
    for (const tensor of plan.tensors) {
      if (tensor.kind === 'copy') {
        const whole = { offsetBytes: 0, lengthBytes: tensor.sizeBytes };
        copies.set(tensor.name, await readSource(tensor.source, whole, signal));
        continue;
      }
      const loader = new TensorSlices({ backend, tensor, isResident: true });
      slices.set(tensor.name, loader);
      await loader.loadAll(signal);
      meter.advance(inputBytesOf(tensor));
    }
  } catch (error) {
    for (const loader of slices.values()) loader.dispose();
    throw error;
  }
  return {
    slices,
    copies,
    memory: new PassMemory(),
    sizeBytes: residentBytesOf(plan),
    users: new Set(),
  };
}

export function disposeSet(set: ResidentSet): void {
  for (const slices of set.slices.values()) slices.dispose();
}
