import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice, MergeBackend, SliceInputs } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { checkColumns, checkInputs, describeSlice, modelsOf } from '../expr/check-inputs';
import type { Expr } from '../expr/expr';
import { IdentityCache } from '../expr/identity-cache';
import { layoutOf, layoutText } from '../expr/input-layout';
import { attachComputedOnHost } from '../expr/computed-column';
import { rankRowsOnHost } from '../expr/rank-rows';
import type { Reduction, ReductionPartial } from '../expr/reduction';
import { printMap } from '../expr/wgsl-kernel';
import { printReduction } from '../expr/wgsl-reduction';
import type { WgslKernel } from '../expr/wgsl-text';
import type { FoundAdapter } from './adapter';
import { BufferPool } from './buffer-pool';
import { GpuDevice } from './device';
import type { GpuSlice } from './kernel-runner';
import { KernelRunner, usage } from './kernel-runner';
import type { ChunkSpan } from './pack-parameters';
import { planColumns } from './plan-columns';
import { joinPartials, readPartial } from './read-partial';

export interface GpuOptions {
  /** Cap of the device memory that slices, results and idle buffers share; default none. */
  readonly memoryBytes?: number | undefined;
}

/** A dispatch over more than this would keep the device from drawing the page. */
const sliceBytesCap = 256 * 1024 * 1024;

/**
 * WGSL kernels on a WebGPU device. Agrees with the oracle within one unit in the last place of the
 * output's dtype; sums within 1e-12 relative to the sum of magnitudes, counts and histograms exactly. Devices may flush
 * subnormals and fuse multiplications with additions.
 */
export class GpuBackend implements MergeBackend {
  readonly id = 'webgpu';
  readonly threadCount = 1;
  readonly maxSliceBytes: number;
  readonly #gpu: GpuDevice;
  readonly #buffers: BufferPool;
  readonly #runner: KernelRunner;
  readonly #kernels = new IdentityCache<WgslKernel>();
  readonly #slices = new Map<LoadedSlice, GpuSlice>();
  readonly #running = new Set<Promise<unknown>>();

  private constructor(gpu: GpuDevice, { memoryBytes = Infinity }: GpuOptions) {
    this.#gpu = gpu;
    this.#buffers = new BufferPool(gpu, memoryBytes);
    this.#runner = new KernelRunner(gpu, this.#buffers);
    // Columns of a slice fill one binding too, and are wider than 16-bit weights.
    this.maxSliceBytes = Math.floor(
      Math.min(gpu.maxBindingBytes / 4, memoryBytes / 4, sliceBytesCap),
    );
  }

  /** @throws LabError `gpu/unavailable` */
  static async create(found: FoundAdapter, options: GpuOptions = {}): Promise<GpuBackend> {
    return new GpuBackend(await GpuDevice.request(found), options);
  }

  get device(): string {
    return this.#gpu.facts.name;
  }

  get isSoftware(): boolean {
    return this.#gpu.facts.isSoftware;
  }

  /** Bytes of device memory in use, for a ledger. */
  get usedBytes(): number {
    return this.#buffers.usedBytes;
  }

  /** The most bytes that there ever were, in use and idle. */
  get peakBytes(): number {
    return this.#buffers.peakBytes;
  }

  async load(inputs: SliceInputs): Promise<LoadedSlice> {
    checkInputs(inputs, this.maxSliceBytes);
    const models = modelsOf(inputs);
    const offsets: number[] = [];
    let words = 0;
    for (const { bytes } of models) {
      offsets.push(words);
      words += Math.ceil(bytes.byteLength / 4);
    }
    const sizeBytes = 4 * words;
    const weights = await this.#gpu.guard(sizeBytes, () => {
      const flags = usage.storage | usage.copyTarget;
      const buffer = this.#buffers.take(sizeBytes, flags, `weights of ${inputs.tensorName}`);
      models.forEach(({ bytes }, model) => {
        this.#write(buffer, 4 * (offsets[model] ?? 0), bytes);
      });
      return buffer;
    });
    const slice = describeSlice(this.id, inputs);
    this.#slices.set(slice, {
      weights,
      layout: layoutOf(inputs),
      offsets: { inputs: offsets, columns: new Map() },
      columns: undefined,
    });
    return slice;
  }

  async attach(slice: LoadedSlice, name: string, columns: readonly Float32Array[]): Promise<void> {
    checkColumns(slice, name, columns);
    await this.#replaceColumns(slice, name, columns);
  }

  async detach(slice: LoadedSlice, name: string): Promise<void> {
    await this.#replaceColumns(slice, name, []);
  }

  async #replaceColumns(
    slice: LoadedSlice,
    name: string,
    columns: readonly Float32Array[],
  ): Promise<void> {
    const before = this.#find(slice);
    const plan = planColumns(before.offsets.columns, name, columns.length, slice.elementCount);
    const attached = this.#gpu.guard(plan.sizeBytes, () => {
      const offsets = { inputs: before.offsets.inputs, columns: plan.offsets };
      if (plan.sizeBytes === 0) {
        this.#slices.set(slice, { ...before, offsets, columns: undefined });
        return;
      }
      const flags = usage.storage | usage.copyTarget | usage.copySource;
      const buffer = this.#buffers.take(plan.sizeBytes, flags, `columns of ${slice.tensorName}`);
      const encoder = this.#gpu.device.createCommandEncoder();
      for (const { from, to } of plan.moves) {
        if (before.columns === undefined) continue;
        encoder.copyBufferToBuffer(before.columns, 4 * from, buffer, 4 * to, plan.columnBytes);
      }
      this.#gpu.device.queue.submit([encoder.finish()]);
      columns.forEach((column, index) => {
        const to = plan.offsets.get(name)?.[index] ?? 0;
        const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
        this.#write(buffer, 4 * to, bytes);
      });
      // Before anything is awaited: calls made from now on read the new columns.
      this.#slices.set(slice, { ...before, offsets, columns: buffer });
    });
    // Without room for the new ones the slice keeps those that it has.
    if (this.#find(slice).columns !== before.columns) this.#giveWhenIdle(before.columns);
    await attached;
  }

  rankRows(
    slice: LoadedSlice,
    name: string,
    of: Expr<'f32'>,
    values: KernelValues,
    rowLength: number,
  ): Promise<void> {
    return rankRowsOnHost(this, slice, name, of, values, rowLength);
  }

  attachComputed(
    slice: LoadedSlice,
    name: string,
    value: Expr<'f32'>,
    values: KernelValues,
  ): Promise<void> {
    return attachComputedOnHost(this, slice, name, value, values);
  }

  async reduce(
    slice: LoadedSlice,
    reductions: readonly Reduction[],
    values: KernelValues,
    chunks?: readonly number[],
  ): Promise<readonly ReductionPartial[]> {
    const found = this.#find(slice);
    const { layout } = found;
    const kernels = reductions.map((reduction) =>
      this.#kernels.remember([reduction], layoutText(layout), () =>
        printReduction(reduction, layout),
      ),
    );
    const spans = chunks?.map((first) => ({ first, count: 1 })) ?? [everyChunk(slice)];
    // A few single chunks are a run each.
    const runs = kernels.flatMap((kernel) => spans.map((span) => ({ kernel, span })));
    const results = await this.#inUse(this.#runner.run(slice, found, runs, values));
    return reductions.map((reduction, index) => {
      const own = results.slice(index * spans.length, (index + 1) * spans.length);
      return joinPartials(
        reduction,
        own.map((words) => readPartial(reduction, words, slice)),
        slice.specialistCount,
      );
    });
  }

  async map(
    slice: LoadedSlice,
    output: Expr<'f32'>,
    values: KernelValues,
    outDtype: FloatDtype,
    model = 0,
  ): Promise<Uint8Array> {
    const found = this.#find(slice);
    const { layout } = found;
    const rest = `${outDtype} ${model} ${layoutText(layout)}`;
    const kernel = this.#kernels.remember([output], rest, () =>
      printMap(output, outDtype, layout, undefined, model),
    );
    const [words = new Uint32Array()] = await this.#inUse(
      this.#runner.run(slice, found, [{ kernel, span: everyChunk(slice) }], values),
    );
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    return bytes.subarray(0, slice.elementCount * dtypeSizesBytes[outDtype]);
  }

  release(slice: LoadedSlice): void {
    const found = this.#slices.get(slice);
    if (found === undefined) return;
    this.#slices.delete(slice);
    this.#giveWhenIdle(found.weights);
    this.#giveWhenIdle(found.columns);
  }

  dispose(): void {
    this.#slices.clear();
    this.#buffers.dispose();
    this.#gpu.dispose();
  }

  /** Calls that were made before may not have been submitted yet. */
  #giveWhenIdle(buffer: GPUBuffer | undefined): void {
    if (buffer === undefined) return;
    void Promise.allSettled([...this.#running]).then(() => {
      this.#buffers.give(buffer);
    });
  }

  async #inUse<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #find(slice: LoadedSlice): GpuSlice {
    const found = this.#slices.get(slice);
    invariant(found, `the slice of ${slice.tensorName} is loaded`);
    return found;
  }

  /** `writeBuffer` wants whole words; the rest of the last one is zero. */
  #write(buffer: GPUBuffer, offsetBytes: number, bytes: Uint8Array): void {
    const whole = bytes.byteLength - (bytes.byteLength % 4);
    const { queue } = this.#gpu.device;
    // Shared memory is not accepted everywhere.
    const plain =
      bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
    queue.writeBuffer(buffer, offsetBytes, plain, 0, whole);
    if (whole === bytes.byteLength) return;
    const last = new Uint8Array(4);
    last.set(bytes.subarray(whole));
    queue.writeBuffer(buffer, offsetBytes + whole, last);
  }
}

function everyChunk({ elementCount }: LoadedSlice): ChunkSpan {
  return { first: 0, count: Math.ceil(elementCount / chunkElements) };
}
