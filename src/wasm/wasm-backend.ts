import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import type { KernelValues, LoadedSlice, MergeBackend, SliceInputs } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { checkInputs, describeSlice, modelsOf } from '../expr/check-inputs';
import type { Expr } from '../expr/expr';
import type { InputLayout } from '../expr/input-layout';
import { layoutOf } from '../expr/input-layout';
import type { Reduction, ReductionPartial } from '../expr/reduction';
import type { WasmKernel } from '../expr/wasm-kernel';

import type { NamedValue } from '../expr/wasm-steps';
import { blockWords } from '../expr/wasm-steps';
import { KernelCache } from './kernel-cache';
import { LanePool } from './lane-pool';
import { WasmMemory } from './memory';
import { coreCount } from './spawn-lane';
import { hasWasmSimd, hasWasmThreads } from './support';

export interface WasmOptions {
  /** Defaults to the machine's cores, at most 8; 1 where memory cannot be shared. */
  readonly threadCount?: number | undefined;
  /** Cap of the memory that all slices and results share; default 1 GiB. */
  readonly maximumBytes?: number | undefined;
}

interface WasmSlice {
  readonly addresses: readonly number[];
  readonly layout: InputLayout;
}

/** More threads than this only wait for memory. */
const maxThreads = 8;
/** Vectors are read and written whole, so a region has room for one more. */
const paddingBytes = 16;

/** WebAssembly SIMD on the caller's thread and a pool of workers; equals the oracle bit for bit. */
export class WasmBackend implements MergeBackend {
  readonly id = 'wasm';
  readonly maxSliceBytes: number;
  readonly #memory: WasmMemory;
  readonly #pool: LanePool;
  readonly #kernels: KernelCache;
  readonly #slices = new Map<LoadedSlice, WasmSlice>();
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @throws LabError `engine/unsupported` without SIMD, `wasm/out-of-memory` when no memory can be
   * reserved
   */
  constructor(options: WasmOptions = {}) {
    if (!hasWasmSimd()) {
      throw new LabError(
        'engine/unsupported',
        'This browser has no WebAssembly SIMD. Update the browser, or choose another back end.',
      );
    }
    const wanted = Math.min(options.threadCount ?? coreCount(), maxThreads);
    const threadCount = hasWasmThreads() ? Math.max(1, wanted) : 1;
    this.#memory = WasmMemory.create(options.maximumBytes ?? 2 ** 30, threadCount > 1);
    this.#pool = new LanePool(this.#memory, threadCount, chunkElements);
    this.#kernels = new KernelCache(this.#memory);
    this.maxSliceBytes = (this.#memory.maximumPages * 65536) / 4;
  }

  get threadCount(): number {
    return this.#pool.threadCount;
  }

  get device(): string {
    const count = this.threadCount;
    return `WebAssembly SIMD, ${count} ${count === 1 ? 'thread' : 'threads'}`;
  }

  /** Bytes of memory in use, for a ledger. */
  get usedBytes(): number {
    return this.#memory.usedBytes;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a failure must be a rejection
  async load(inputs: SliceInputs): Promise<LoadedSlice> {
    checkInputs(inputs, this.maxSliceBytes);
    const models = modelsOf(inputs);
    const addresses: number[] = [];
    try {
      for (const { bytes } of models) {
        addresses.push(this.#memory.allocate(bytes.byteLength + paddingBytes));
      }
    } catch (error) {
      for (const address of addresses) this.#memory.free(address);
      throw error;
    }
    models.forEach(({ bytes }, model) => {
      this.#memory.bytes.set(bytes, addresses[model] ?? 0);
    });
    const slice = describeSlice(this.id, inputs);
    this.#slices.set(slice, { addresses, layout: layoutOf(inputs) });
    return slice;
  }

  reduce(
    slice: LoadedSlice,
    reductions: readonly Reduction[],
    values: KernelValues,
  ): Promise<readonly ReductionPartial[]> {
    const { addresses, layout } = this.#find(slice);
    return this.#inTurn(async () => {
      const { id, kernel } = this.#kernels.reduce(reductions, layout);
      const chunkCount = Math.ceil(slice.elementCount / chunkElements);
      const outStrideBytes = 8 * kernel.resultCount;
      const binsStrideBytes = 4 * kernel.binTotal;
      const outBytes = outStrideBytes * chunkCount;
      const binsBytes = binsStrideBytes * this.threadCount;
      return this.#withRegions([outBytes, binsBytes, blockBytes(kernel, addresses)], async (at) => {
        const [out = 0, bins = 0, block = 0] = at;
        this.#memory.bytes.fill(0, bins, bins + binsBytes);
        this.#writeBlock(block, slice, addresses, kernel.namedValues, values);
        await this.#pool.run({
          kernelId: id,
          kernelBytes: kernel.bytes,
          block,
          elementCount: slice.elementCount,
          out,
          outStrideBytes,
          bins,
          binsStrideBytes,
        });
        const numbers = new Float64Array(this.#copy(out, outBytes).buffer);
        const counts = new Uint32Array(this.#copy(bins, binsBytes).buffer);
        return readPartials(reductions, slice.specialistCount, {
          numbers,
          resultCount: kernel.resultCount,
          counts,
          binTotal: kernel.binTotal,
        });
      });
    });
  }

  map(
    slice: LoadedSlice,
    output: Expr<'f32'>,
    values: KernelValues,
    outDtype: FloatDtype,
  ): Promise<Uint8Array> {
    const { addresses, layout } = this.#find(slice);
    return this.#inTurn(async () => {
      const { id, kernel } = this.#kernels.map(output, outDtype, layout);
      const sizeBytes = dtypeSizesBytes[outDtype];
      const outBytes = slice.elementCount * sizeBytes;
      const regions = [outBytes + paddingBytes, blockBytes(kernel, addresses)];
      return this.#withRegions(regions, async ([out = 0, block = 0]) => {
        this.#writeBlock(block, slice, addresses, kernel.namedValues, values);
        await this.#pool.run({
          kernelId: id,
          kernelBytes: kernel.bytes,
          block,
          elementCount: slice.elementCount,
          out,
          // The kernel finds its place by the element's number.
          outStrideBytes: 0,
          bins: 0,
          binsStrideBytes: 0,
        });
        return this.#copy(out, outBytes);
      });
    });
  }

  release(slice: LoadedSlice): void {
    const found = this.#slices.get(slice);
    if (found === undefined) return;
    this.#slices.delete(slice);
    const free = (): void => {
      for (const address of found.addresses) this.#memory.free(address);
    };
    // After the calls that may still be using it.
    this.#queue = this.#queue.then(free, free);
  }

  dispose(): void {
    this.#slices.clear();
    this.#pool.dispose();
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task, task);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #find(slice: LoadedSlice): WasmSlice {
    const found = this.#slices.get(slice);
    invariant(found, `the slice of ${slice.tensorName} is loaded`);
    return found;
  }

  async #withRegions<T>(
    sizesBytes: readonly number[],
    use: (addresses: readonly number[]) => Promise<T>,
  ): Promise<T> {
    const addresses: number[] = [];
    try {
      for (const size of sizesBytes) addresses.push(this.#memory.allocate(size));
      return await use(addresses);
    } finally {
      for (const address of addresses) this.#memory.free(address);
    }
  }

  #copy(address: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(sizeBytes);
    copy.set(this.#memory.bytes.subarray(address, address + sizeBytes));
    return copy;
  }

  #writeBlock(
    block: number,
    slice: LoadedSlice,
    addresses: readonly number[],
    namedValues: readonly NamedValue[],
    values: KernelValues,
  ): void {
    const view = new DataView(this.#memory.memory.buffer, block);
    addresses.forEach((address, input) => {
      view.setUint32(4 * input, address, true);
    });
    const at = (word: number): number => 4 * (addresses.length + word);
    view.setUint32(at(blockWords.firstElement), slice.firstElement, true);
    view.setUint32(at(blockWords.seed), values.seed, true);
    view.setUint32(at(blockWords.tensorKey), slice.tensorKey, true);
    namedValues.forEach(({ kind, name, model, type }, index) => {
      const list = kind === 'scalar' ? values.scalars[name] : values.perModel[name]?.[model];
      invariant(list !== undefined, `the kernel reads ${name}, which has no value`);
      const offset = at(blockWords.named + index);
      if (type === 'f32') view.setFloat32(offset, list, true);
      else view.setUint32(offset, list, true);
    });
  }
}

function blockBytes(kernel: WasmKernel, addresses: readonly number[]): number {
  return 4 * (addresses.length + blockWords.named + kernel.namedValues.length);
}

interface RawResults {
  /** Per chunk, the numbers of all reductions. */
  readonly numbers: Float64Array;
  readonly resultCount: number;
  /** Per lane, the bins of all reductions. */
  readonly counts: Uint32Array;
  readonly binTotal: number;
}

function readPartials(
  reductions: readonly Reduction[],
  specialistCount: number,
  { numbers, resultCount, counts, binTotal }: RawResults,
): ReductionPartial[] {
  let result = 0;
  let firstBin = 0;
  const chunkCount = resultCount === 0 ? 0 : numbers.length / resultCount;
  const laneCount = binTotal === 0 ? 0 : counts.length / binTotal;
  return reductions.map((reduction) => {
    const listCount = reduction.perModel ? specialistCount : 1;
    const lists = Array.from({ length: listCount }, () => {
      if (reduction.kind !== 'histogram') {
        const column = result++;
        return Float64Array.from(
          { length: chunkCount },
          (_, chunk) => numbers[chunk * resultCount + column] ?? 0,
        );
      }
      const start = firstBin;
      firstBin += reduction.binCount;
      const bins = new Float64Array(counts.subarray(start, firstBin));
      for (let lane = 1; lane < laneCount; lane++) {
        for (let bin = 0; bin < bins.length; bin++) {
          bins[bin] = (bins[bin] ?? 0) + (counts[lane * binTotal + start + bin] ?? 0);
        }
      }
      return bins;
    });
    return { lists };
  });
}
