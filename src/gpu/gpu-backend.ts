import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice, MergeBackend, SliceInputs } from '../expr/backend';
import { checkColumns, checkInputs, describeSlice, modelsOf } from '../expr/check-inputs';
import type { Expr } from '../expr/expr';
import { IdentityCache } from '../expr/identity-cache';
import type { InputLayout } from '../expr/input-layout';
import { layoutOf, layoutText } from '../expr/input-layout';
import { rankRowsOnHost } from '../expr/rank-rows';
import type { Reduction, ReductionPartial } from '../expr/reduction';
import { printMap } from '../expr/wgsl-kernel';
import { printReduction } from '../expr/wgsl-reduction';
import type { WgslKernel } from '../expr/wgsl-text';
import type { FoundAdapter } from './adapter';
import { BufferPool } from './buffer-pool';
import { GpuDevice } from './device';
import { gridOf } from './grid';
import type { InputOffsets } from './pack-parameters';
import { packParameters } from './pack-parameters';
import { PipelineCache } from './pipeline-cache';
import { planColumns } from './plan-columns';
import { readPartial } from './read-partial';

interface GpuSlice {
  readonly weights: GPUBuffer;
  readonly layout: InputLayout;
  readonly offsets: InputOffsets;
  /** Every column that is attached; never written again, so calls that were made before keep it. */
  readonly columns: GPUBuffer | undefined;
}

/** GPUBufferUsage and GPUMapMode; Node has the constants only after Dawn was loaded. */
const usage = { mapRead: 1, copySource: 4, copyTarget: 8, storage: 128 } as const;
const mapModeRead = 1;

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
  readonly #pipelines: PipelineCache;
  readonly #kernels = new IdentityCache<WgslKernel>();
  readonly #slices = new Map<LoadedSlice, GpuSlice>();
  readonly #running = new Set<Promise<unknown>>();

  private constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
    this.#buffers = new BufferPool(gpu);
    this.#pipelines = new PipelineCache(gpu);
    // Columns of a slice fill one binding too, and are wider than 16-bit weights.
    this.maxSliceBytes = Math.min(Math.floor(gpu.maxBindingBytes / 4), sliceBytesCap);
  }

  /** @throws LabError `gpu/unavailable` */
  static async create(found: FoundAdapter): Promise<GpuBackend> {
    return new GpuBackend(await GpuDevice.request(found));
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
    const before = this.#find(slice);
    const plan = planColumns(before.offsets.columns, name, columns.length, slice.elementCount);
    const attached = this.#gpu.guard(plan.sizeBytes, () => {
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
      const offsets = { inputs: before.offsets.inputs, columns: plan.offsets };
      this.#slices.set(slice, { ...before, offsets, columns: buffer });
    });
    this.#giveWhenIdle(before.columns);
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

  async reduce(
    slice: LoadedSlice,
    reductions: readonly Reduction[],
    values: KernelValues,
  ): Promise<readonly ReductionPartial[]> {
    const found = this.#find(slice);
    const { layout } = found;
    const kernels = reductions.map((reduction) =>
      this.#kernels.remember([reduction], layoutText(layout), () =>
        printReduction(reduction, layout),
      ),
    );
    const results = await this.#inUse(this.#run(slice, found, kernels, values));
    return reductions.map((reduction, index) =>
      readPartial(reduction, results[index] ?? new Uint32Array(), slice),
    );
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
      this.#run(slice, found, [kernel], values),
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

  /** Runs kernels over one slice in one submission and reads every result back. */
  async #run(
    slice: LoadedSlice,
    inputs: GpuSlice,
    kernels: readonly WgslKernel[],
    values: KernelValues,
  ): Promise<Uint32Array<ArrayBuffer>[]> {
    const { elementCount } = slice;
    if (elementCount === 0) {
      return kernels.map((kernel) => new Uint32Array(kernel.resultWords(0)));
    }
    const pipelines = await this.#gpu.orLost(
      Promise.all(kernels.map((kernel) => this.#pipelines.get(kernel.wgsl, kernel.label))),
    );
    const sizes = kernels.map((kernel) => 4 * kernel.resultWords(elementCount));
    const totalBytes = sizes.reduce((total, size) => total + size, 0);
    const taken: GPUBuffer[] = [];
    let staging: GPUBuffer | undefined;
    try {
      const submitted = await this.#gpu.guard(2 * totalBytes, () => {
        const target = this.#buffers.take(totalBytes, usage.mapRead | usage.copyTarget, 'staging');
        staging = target;
        const encoder = this.#gpu.device.createCommandEncoder();
        let offsetBytes = 0;
        kernels.forEach((kernel, index) => {
          const pipeline = pipelines[index];
          invariant(pipeline, 'every kernel has a pipeline');
          const sizeBytes = sizes[index] ?? 0;
          const result = this.#encode(
            encoder,
            slice,
            inputs,
            kernel,
            pipeline,
            values,
            sizeBytes,
            taken,
          );
          encoder.copyBufferToBuffer(result, 0, target, offsetBytes, sizeBytes);
          offsetBytes += sizeBytes;
        });
        this.#gpu.device.queue.submit([encoder.finish()]);
        return target;
      });
      await this.#gpu.orLost(submitted.mapAsync(mapModeRead, 0, totalBytes));
      const all = new Uint32Array(submitted.getMappedRange(0, totalBytes).slice(0));
      submitted.unmap();
      this.#buffers.give(submitted);
      let firstWord = 0;
      return sizes.map((size) => {
        firstWord += size / 4;
        return all.slice(firstWord - size / 4, firstWord);
      });
    } catch (error) {
      if (staging !== undefined) this.#buffers.discard(staging);
      throw error;
    } finally {
      for (const buffer of taken) this.#buffers.give(buffer);
    }
  }

  #encode(
    encoder: GPUCommandEncoder,
    slice: LoadedSlice,
    { weights, columns, offsets }: GpuSlice,
    kernel: WgslKernel,
    pipeline: GPUComputePipeline,
    values: KernelValues,
    resultBytes: number,
    taken: GPUBuffer[],
  ): GPUBuffer {
    const { device } = this.#gpu;
    const numbers = packParameters(kernel.fields, slice, offsets, values);
    const params = this.#buffers.take(
      numbers.byteLength,
      usage.storage | usage.copyTarget,
      'parameters',
    );
    const resultFlags = usage.storage | usage.copySource | usage.copyTarget;
    const result = this.#buffers.take(resultBytes, resultFlags, `result of ${kernel.label}`);
    taken.push(params, result);
    device.queue.writeBuffer(params, 0, numbers);
    // Bins are added to; a buffer from the pool holds old results.
    encoder.clearBuffer(result);
    const bindGroup = device.createBindGroup({
      layout: this.#pipelines.layout,
      // A kernel without columns does not declare the last; the layout wants one all the same.
      entries: [weights, params, result, columns ?? weights].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      })),
    });
    const pass = encoder.beginComputePass({ label: kernel.label });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    const { count, layers } = kernel.groups(slice.elementCount);
    pass.dispatchWorkgroups(...gridOf(count, layers));
    pass.end();
    return result;
  }
}
