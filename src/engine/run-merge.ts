import { invariant } from '../core/errors';
import { EventBreaks } from '../core/event-breaks';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import type { MethodNumbers } from '../methods/method';
import type { Measured } from '../methods/merge-tensor';
import { measureModel, mergeTensor, needsWholeModel } from '../methods/merge-tensor';
import type { TensorTask } from '../methods/tensor-task';
import {
  inputBytesOf,
  scanCounts,
  staysResident,
  type MergePlan,
  type PlannedTensor,
} from './plan';
import { TensorSlices } from './tensor-slices';

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
  #measured: ReadonlyMap<string, Measured> | undefined;

  constructor(plan: MergePlan, backend: MergeBackend) {
    this.plan = plan;
    this.#backend = backend;
  }

  /**
   * Gathers the statistics over the whole model that the method needs, if any; `merge` does it too.
   * @throws LabError as the method, the back end and the sources
   */
  async measure(task: LongTask = {}): Promise<void> {
    const { definition, numbers, seed } = this.plan.merge;
    if (this.#measured !== undefined || !needsWholeModel(definition)) return;
    const merged = this.plan.tensors.filter((tensor) => tensor.kind === 'merge');
    const scanBytes = merged.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0);
    // All tensors are gone through together, so either all stay loaded or none.
    const slices = merged.map((tensor) => this.#slicesOf(tensor, staysResident(scanBytes)));
    const meter = new ProgressMeter(
      'Measuring the models',
      scanBytes * scanCounts(definition).model,
      'bytes',
      task.onProgress,
    );
    const tasks = slices.map((tensor) => metered(tensor.task(numbers, this.#breaks), meter));
    try {
      const options = { seed, signal: task.signal };
      const measured = await measureModel(this.#backend, definition, tasks, options);
      this.#measured = new Map(measured.map((found, index) => [tasks[index]?.name ?? '', found]));
    } finally {
      for (const tensor of slices) tensor.dispose();
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
        if (slices === undefined) await this.#copy(tensor, emit, task.signal);
        else await this.#mergeOne(tensor, slices, emit, task.signal);
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

  #slicesOf(tensor: Extract<PlannedTensor, { kind: 'merge' }>, isResident: boolean): TensorSlices {
    const { models, merge } = this.plan;
    return new TensorSlices({
      backend: this.#backend,
      tensor,
      models,
      hasBase: merge.base !== undefined,
      isResident,
    });
  }

  async #mergeOne(
    tensor: PlannedTensor,
    slices: TensorSlices,
    emit: EmitBytes,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { definition, numbers, seed } = this.plan.merge;
    invariant(tensor.kind === 'merge', 'only weights are merged');
    let offsetBytes = 0;
    await mergeTensor(
      this.#backend,
      definition,
      slices.task(numbers, this.#breaks),
      tensor.dtype,
      async (bytes) => {
        await emit(tensor, bytes, offsetBytes);
        offsetBytes += bytes.byteLength;
      },
      { seed, signal },
      this.#measured?.get(tensor.name) ?? unmeasured(numbers),
    );
  }

  async #copy(
    tensor: PlannedTensor,
    emit: EmitBytes,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { checkpoint } = this.plan.donor;
    for (let offsetBytes = 0; offsetBytes < tensor.sizeBytes; offsetBytes += copyPieceBytes) {
      const lengthBytes = Math.min(copyPieceBytes, tensor.sizeBytes - offsetBytes);
      const bytes = await checkpoint.read(tensor.name, { offsetBytes, lengthBytes }, signal);
      signal?.throwIfAborted();
      await emit(tensor, bytes, offsetBytes);
    }
  }
}

function unmeasured(numbers: MethodNumbers): Measured {
  return { passCount: 0, numbers, columns: [] };
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
