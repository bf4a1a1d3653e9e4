import { invariant } from '../core/errors';
import { EventBreaks } from '../core/event-breaks';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import type { Measured } from '../methods/merge-tensor';
import { measureModel, mergeTensor } from '../methods/merge-tensor';
import type { MergekitDraws, MergeOptions, TensorTask } from '../methods/tensor-task';
import { definitionCost } from './definition-cost';
import { mergekitDrawsFor } from './mergekit-draws';
import type { MergePlan } from './plan';
import type { CopiedTensor, MergedTensor, PlannedTensor } from './plan-tensor';
import { inputBytesOf, staysResident } from './plan-tensor';
import { readSource } from './tensor-source';
import { TensorSlices } from './tensor-slices';
import { wholeModelGroups } from './whole-model-groups';

/** Receives consecutive runs of one tensor's bytes, in order; it is awaited. */
export type EmitBytes = (
  tensor: PlannedTensor,
  bytes: Uint8Array,
  offsetBytes: number,
) => void | Promise<void>;

/** Copied tensors pass in pieces of this size. */
const copyPieceBytes = 16 << 20;

/**
 * Carries out a plan: tensor by tensor, slice by slice, with memory bounded by
 * `plan.cost.peakMemoryBytes`. While one tensor is computed the first slice of the next is read.
 */
export class MergeRun {
  readonly plan: MergePlan;
  readonly #backend: MergeBackend;
  readonly #breaks = new EventBreaks();
  readonly #draws: MergekitDraws | undefined;
  /** By tensor; empty until the models are measured, and for methods that need no such thing. */
  #measured: ReadonlyMap<string, Measured> = new Map();

  constructor(plan: MergePlan, backend: MergeBackend) {
    this.plan = plan;
    this.#backend = backend;
    this.#draws = mergekitDrawsFor(plan);
  }

  /**
   * Gathers the statistics over the whole model that the method needs, if any; `merge` does it too.
   * @throws LabError as the method, the back end and the sources
   */
  async measure(task: LongTask = {}): Promise<void> {
    if (this.#measured.size > 0) return;
    const groups = wholeModelGroups(this.plan.tensors.filter((tensor) => tensor.kind === 'merge'));
    const totalBytes = groups.flat().reduce((sum, tensor) => sum + scannedBytesOf(tensor), 0);
    if (totalBytes === 0) return;
    const meter = new ProgressMeter('Measuring the models', totalBytes, 'bytes', task.onProgress);
    const measured = new Map<string, Measured>();
    for (const group of groups) await this.#measureGroup(group, meter, measured, task.signal);
    this.#measured = measured;
  }

  /** All tensors of a group are gone through together, so either all stay loaded or none. */
  async #measureGroup(
    group: readonly MergedTensor[],
    meter: ProgressMeter,
    measured: Map<string, Measured>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const isResident = staysResident(group.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0));
    const slices = group.map((tensor) => this.#slicesOf(tensor, isResident));
    const tasks = group.flatMap((tensor, index) => {
      const loader = slices[index];
      return loader === undefined ? [] : [metered(loader.task(tensor, this.#breaks), meter)];
    });
    const [first] = group;
    invariant(first, 'a group has a tensor');
    try {
      const found = await measureModel(
        this.#backend,
        first.definition,
        tasks,
        this.#options(signal),
      );
      found.forEach((one, index) => measured.set(tasks[index]?.name ?? '', one));
    } finally {
      for (const loader of slices) loader.dispose();
    }
  }

  /**
   * Merges tensors of the plan in the given order.
   * @throws LabError as the method, the back end, the sources and `emit`; an abort rejects with
   * `signal.reason`. Nothing stays loaded
   */
  async merge(
    tensors: readonly PlannedTensor[],
    emit: EmitBytes,
    task: LongTask = {},
  ): Promise<void> {
    await this.measure(task);
    let next = this.#prepare(tensors[0], task.signal);
    for (const [index, tensor] of tensors.entries()) {
      const slices = next;
      next = this.#prepare(tensors[index + 1], task.signal);
      try {
        if (tensor.kind === 'copy') await this.#copy(tensor, emit, task.signal);
        else if (slices !== undefined) await this.#mergeOne(tensor, slices, emit, task.signal);
      } catch (error) {
        next?.dispose();
        throw error;
      } finally {
        slices?.dispose();
      }
    }
  }

  #prepare(
    tensor: PlannedTensor | undefined,
    signal: AbortSignal | undefined,
  ): TensorSlices | undefined {
    if (tensor?.kind !== 'merge') return undefined;
    const slices = this.#slicesOf(tensor, tensor.isResident);
    slices.prefetch(0, signal);
    return slices;
  }

  #slicesOf(tensor: MergedTensor, isResident: boolean): TensorSlices {
    return new TensorSlices({ backend: this.#backend, tensor, isResident });
  }

  #options(signal: AbortSignal | undefined): MergeOptions {
    return { seed: this.plan.merge.seed, signal, mergekitDraws: this.#draws };
  }

  async #mergeOne(
    tensor: MergedTensor,
    slices: TensorSlices,
    emit: EmitBytes,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let offsetBytes = 0;
    await mergeTensor(
      this.#backend,
      tensor.definition,
      slices.task(tensor, this.#breaks),
      tensor.dtype,
      async (bytes) => {
        await emit(tensor, bytes, offsetBytes);
        offsetBytes += bytes.byteLength;
      },
      this.#options(signal),
      this.#measured.get(tensor.name),
    );
  }

  async #copy(
    tensor: CopiedTensor,
    emit: EmitBytes,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (let offsetBytes = 0; offsetBytes < tensor.sizeBytes; offsetBytes += copyPieceBytes) {
      const lengthBytes = Math.min(copyPieceBytes, tensor.sizeBytes - offsetBytes);
      const bytes = await readSource(tensor.source, { offsetBytes, lengthBytes }, signal);
      signal?.throwIfAborted();
      await emit(tensor, bytes, offsetBytes);
    }
  }
}

/** Bytes that the passes over the whole model go through. */
function scannedBytesOf(tensor: MergedTensor): number {
  return inputBytesOf(tensor) * definitionCost(tensor.definition).scans.model;
}

/** Counts the bytes of every slice that was gone through. */
function metered(task: TensorTask, meter: ProgressMeter): TensorTask {
  return {
    ...task,
    closeSlice: (slice, index) => {
      meter.advance(slice.byteCount);
      task.closeSlice(slice, index);
    },
  };
}
