import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import type { InputLayout } from '../expr/input-layout';
import type { WgslKernel } from '../expr/wgsl-text';
import type { BufferPool } from './buffer-pool';
import type { GpuDevice } from './device';
import { gridOf } from './grid';
import type { ChunkSpan, InputOffsets } from './pack-parameters';
import { packParameters } from './pack-parameters';
import { PipelineCache } from './pipeline-cache';

/** Where the inputs of a slice lie. */
export interface GpuSlice {
  readonly weights: GPUBuffer;
  readonly layout: InputLayout;
  readonly offsets: InputOffsets;
  /** Every column that is attached; never written again, so calls that were made before keep it. */
  readonly columns: GPUBuffer | undefined;
}

/** One dispatch. */
export interface KernelRun {
  readonly kernel: WgslKernel;
  readonly span: ChunkSpan;
}

function elementsOf({ first, count }: ChunkSpan, { elementCount }: LoadedSlice): number {
  return Math.min(count * chunkElements, elementCount - first * chunkElements);
}

/** GPUBufferUsage and GPUMapMode; Node has the constants only after Dawn was loaded. */
export const usage = { mapRead: 1, copySource: 4, copyTarget: 8, storage: 128 } as const;
const mapModeRead = 1;

/** Submits kernels to the device and reads their results. */
export class KernelRunner {
  readonly #gpu: GpuDevice;
  readonly #buffers: BufferPool;
  readonly #pipelines: PipelineCache;

  constructor(gpu: GpuDevice, buffers: BufferPool) {
    this.#gpu = gpu;
    this.#buffers = buffers;
    this.#pipelines = new PipelineCache(gpu);
  }

  /** Runs kernels over one slice in one submission and reads every result back. */
  async run(
    slice: LoadedSlice,
    inputs: GpuSlice,
    runs: readonly KernelRun[],
    values: KernelValues,
  ): Promise<Uint32Array<ArrayBuffer>[]> {
    const { elementCount } = slice;
    if (elementCount === 0) {
      return runs.map(({ kernel }) => new Uint32Array(kernel.resultWords(0)));
    }
    const pipelines = await this.#gpu.orLost(
      Promise.all(runs.map(({ kernel }) => this.#pipelines.get(kernel.wgsl, kernel.label))),
    );
    const sizes = runs.map(({ kernel, span }) => 4 * kernel.resultWords(elementsOf(span, slice)));
    const totalBytes = sizes.reduce((total, size) => total + size, 0);
    const taken: GPUBuffer[] = [];
    let staging: GPUBuffer | undefined;
    try {
      const submitted = await this.#gpu.guard(2 * totalBytes, () => {
        const target = this.#buffers.take(totalBytes, usage.mapRead | usage.copyTarget, 'staging');
        staging = target;
        const encoder = this.#gpu.device.createCommandEncoder();
        let offsetBytes = 0;
        runs.forEach((run, index) => {
          const pipeline = pipelines[index];
          invariant(pipeline, 'every kernel has a pipeline');
          const sizeBytes = sizes[index] ?? 0;
          const result = this.#encode(
            encoder,
            slice,
            inputs,
            run,
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
    { kernel, span }: KernelRun,
    pipeline: GPUComputePipeline,
    values: KernelValues,
    resultBytes: number,
    taken: GPUBuffer[],
  ): GPUBuffer {
    const { device } = this.#gpu;
    const numbers = packParameters(kernel.fields, slice, offsets, values, span);
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
    const { count, layers } = kernel.groups(elementsOf(span, slice));
    pass.dispatchWorkgroups(...gridOf(count, layers));
    pass.end();
    return result;
  }
}
