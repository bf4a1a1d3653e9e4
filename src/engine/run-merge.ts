import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import { EventBreaks } from '../core/event-breaks';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import type { Measured } from '../methods/merge-tensor';
import { measureModel, measureTensor, mergeTensor } from '../methods/merge-tensor';
import type { MergekitDraws, MergeOptions, TensorTask } from '../methods/tensor-task';
import { definitionCost } from './definition-cost';
import { mergekitDrawsFor } from './mergekit-draws';
import type { MergePlan } from './plan';
import type { CopiedTensor, MergedTensor, PlannedTensor } from './plan-tensor';
import { copyPieceBytes, inputBytesOf } from './plan-tensor';
import { readSource } from './tensor-source';
import { TensorSlices, type ElementRange } from './tensor-slices';
import { wholeModelGroups } from './whole-model-groups';

/** Receives consecutive runs of one tensor's bytes, in order; it is awaited. */
export type EmitBytes = (
  tensor: PlannedTensor,
  bytes: Uint8Array,
  offsetBytes: number,
) => void | Promise<void>;

/** What passes over the whole model found, by tensor; plain data that a journal can keep. */
export type WholeModelNumbers = ReadonlyMap<string, Omit<Measured, 'columns'>>;

export interface RunOptions {
  /** From an earlier run of the same plan, which is then not measured again. */
  readonly measured?: WholeModelNumbers | undefined;
  /** Awaited. Hears of what was measured, unless it is no plain data (values for every element). */
  readonly onMeasured?: ((found: WholeModelNumbers) => void | Promise<void>) | undefined;
}

/** Begins to carry out a plan. */
export type StartRun = (plan: MergePlan) => MergeRun;

/** Carries out plans on a back end. */
export function runsOn(backend: MergeBackend): StartRun {
  return (plan) => new MergeRun(plan, backend);
}

/**
 * Carries out a plan: tensor by tensor, slice by slice, with memory bounded by
 * `plan.cost.peakMemoryBytes`. While the last slice of one tensor is computed the first of the next is
 * read.
 */
export class MergeRun {
  readonly plan: MergePlan;
  readonly #backend: MergeBackend;
  readonly #breaks = new EventBreaks();
  readonly #draws: MergekitDraws | undefined;
  readonly #onMeasured: RunOptions['onMeasured'];
  /** By tensor; empty until the models are measured, and for methods that need no such thing. */
  #measured: ReadonlyMap<string, Measured> = new Map();

  constructor(plan: MergePlan, backend: MergeBackend, options: RunOptions = {}) {
    this.plan = plan;
    this.#backend = backend;
    this.#draws = mergekitDrawsFor(plan);
    this.#onMeasured = options.onMeasured;
    const known = [...(options.measured ?? [])];
    this.#measured = new Map(known.map(([name, found]) => [name, { ...found, columns: [] }]));
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
    const found = [...measured];
    if (found.some(([, { columns }]) => columns.length > 0)) return;
    await this.#onMeasured?.(
      new Map(found.map(([name, { passCount, numbers }]) => [name, { passCount, numbers }])),
    );
  }

  /** All tensors of a group are gone through together, so either all stay loaded or none. */
  async #measureGroup(
    group: readonly MergedTensor[],
    meter: ProgressMeter,
    measured: Map<string, Measured>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const inputBytes = group.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0);
    const isResident = inputBytes <= this.plan.shares.residentBytes;
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
   * @param fromBytes where in the first tensor to begin; what lies before is not computed again,
   * except that passes over the tensor read all of it
   * @throws LabError as the method, the back end, the sources and `emit`; an abort rejects with
   * `signal.reason`. Nothing stays loaded
   */
  async merge(
    tensors: readonly PlannedTensor[],
    emit: EmitBytes,
    task: LongTask = {},
    fromBytes = 0,
  ): Promise<void> {
    await this.measure(task);
    let next: TensorSlices | undefined = this.#prepare(tensors[0], task.signal, fromBytes);
    const dropNext = (): void => {
      next?.dispose();
    };
    for (const [index, tensor] of tensors.entries()) {
      const slices = next;
      next = undefined;
      // Not before the last slice is computed: the bytes of both would be far apart for long, and a
      // source that holds few pieces would read one of them twice.
      const onLastSlice = (): void => {
        next ??= this.#prepare(tensors[index + 1], task.signal);
      };
      if (slices === undefined || slices.sliceCount <= 1) onLastSlice();
      const skippedBytes = index === 0 ? fromBytes : 0;
      try {
        const sink = skippedBytes === 0 ? emit : emitAfter(skippedBytes, emit);
        if (tensor.kind === 'copy') await this.#copy(tensor, sink, task.signal, skippedBytes);
        else if (slices !== undefined) {
          const fromSlice = sliceOfByte(tensor, slices, skippedBytes);
          const mergeOn: EmitBytes = async (made, bytes, offsetBytes) => {
            if (sliceOfByte(tensor, slices, offsetBytes) >= slices.sliceCount - 2) onLastSlice();
            await sink(made, bytes, offsetBytes);
          };
          await this.#mergeOne(tensor, slices, mergeOn, task.signal, fromSlice);
          onLastSlice();
        }
      } catch (error) {
        dropNext();
        throw error;
      } finally {
        slices?.dispose();
      }
    }
  }

  /**
   * Runs the passes that one tensor needs, those over the whole model included.
   * @returns for `mergePart`, any number of times
   * @throws LabError as `merge`
   */
  async measureOne(tensor: MergedTensor, task: LongTask = {}): Promise<Measured> {
    await this.measure(task);
    const slices = this.#slicesOf(tensor, tensor.isResident);
    try {
      return await measureTensor(
        this.#backend,
        tensor.definition,
        slices.task(tensor, this.#breaks),
        this.#options(task.signal),
        this.#measured.get(tensor.name),
      );
    } finally {
      slices.dispose();
    }
  }

  /**
   * Merges a part of one tensor: the bits are those of the whole.
   * @param part begins at a multiple of `tensor.sliceNeeds.unitElements`
   * @param measured from `measureOne`
   * @throws LabError as `merge`
   */
  async mergePart(
    tensor: MergedTensor,
    part: ElementRange,
    measured: Measured,
    emit: EmitBytes,
    signal?: AbortSignal,
  ): Promise<void> {
    const slices = new TensorSlices({ backend: this.#backend, tensor, isResident: false, part });
    try {
      await this.#mergeOne(tensor, slices, emit, signal, 0, measured);
    } finally {
      slices.dispose();
    }
  }

  #prepare(
    tensor: PlannedTensor | undefined,
    signal: AbortSignal | undefined,
    fromBytes = 0,
  ): TensorSlices | undefined {
    if (tensor?.kind !== 'merge') return undefined;
    const slices = this.#slicesOf(tensor, tensor.isResident);
    const isScanned = tensor.definition.passes.length > this.#passesDone(tensor);
    slices.prefetch(isScanned ? 0 : sliceOfByte(tensor, slices, fromBytes), signal);
    return slices;
  }

  #passesDone({ name }: MergedTensor): number {
    return this.#measured.get(name)?.passCount ?? 0;
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
    fromSlice: number,
    measured = this.#measured.get(tensor.name),
  ): Promise<void> {
    await mergeTensor(
      this.#backend,
      tensor.definition,
      slices.task(tensor, this.#breaks),
      tensor.dtype,
      async (bytes, firstElement) =>
        emit(tensor, bytes, firstElement * dtypeSizesBytes[tensor.dtype]),
      { ...this.#options(signal), fromSlice },
      measured,
    );
  }

  async #copy(
    tensor: CopiedTensor,
    emit: EmitBytes,
    signal: AbortSignal | undefined,
    fromBytes: number,
  ): Promise<void> {
    const { sizeBytes } = tensor;
    for (let offsetBytes = fromBytes; offsetBytes < sizeBytes; offsetBytes += copyPieceBytes) {
      const lengthBytes = Math.min(copyPieceBytes, sizeBytes - offsetBytes);
      const bytes = await readSource(tensor.source, { offsetBytes, lengthBytes }, signal);
      signal?.throwIfAborted();
      await emit(tensor, bytes, offsetBytes);
    }
  }
}

function sliceOfByte({ dtype }: MergedTensor, slices: TensorSlices, offsetBytes: number): number {
  return slices.sliceAt(Math.floor(offsetBytes / dtypeSizesBytes[dtype]));
}

/** Drops a tensor's bytes before `fromBytes`. */
function emitAfter(fromBytes: number, emit: EmitBytes): EmitBytes {
  return async (tensor, bytes, offsetBytes) => {
    const skippedBytes = Math.max(0, fromBytes - offsetBytes);
    if (skippedBytes >= bytes.byteLength) return;
    await emit(tensor, bytes.subarray(skippedBytes), offsetBytes + skippedBytes);
  };
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
