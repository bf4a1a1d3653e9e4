import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import type { KernelValues, LoadedSlice, MergeBackend, SliceInputs } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { checkColumns, checkInputs, describeSlice, modelsOf } from '../expr/check-inputs';
import type { Expr } from '../expr/expr';

import { layoutOf } from '../expr/input-layout';
import type { Reduction, ReductionPartial } from '../expr/reduction';
import { spareBinCount } from '../expr/wasm-accumulators';
import { KernelCache } from './kernel-cache';
import { LanePool } from './lane-pool';
import { WasmMemory, withRegions } from './memory';
import type { WasmSlice } from './parameter-block';
import { blockBytes, writeBlock } from './parameter-block';
import { rankModel } from './rank-model';
import { readPartials } from './read-partials';
import { coreCount } from './spawn-lane';
import { hasWasmSimd, hasWasmThreads } from './support';

export interface WasmOptions {
  /** Defaults to the machine's cores, at most 8; 1 where memory cannot be shared. */
  readonly threadCount?: number | undefined;
  /** Cap of the memory that all slices and results share, 64 MiB or more; default 1 GiB. */
  readonly memoryBytes?: number | undefined;
}

/** What is to be computed for every element; the slice may be released by the time it is. */
interface MapRequest {
  readonly slice: LoadedSlice;
  readonly found: WasmSlice;
  readonly output: Expr<'f32'>;
  readonly values: KernelValues;
  readonly outDtype: FloatDtype;
  readonly model: number;
}

/** More threads than this only wait for memory. */
const maxThreads = 8;
/** Kernels read and write eight elements at a time, so a region has room for as many more. */
const paddingBytes = 32;

/** WebAssembly SIMD on the caller's thread and a pool of workers; equals the oracle bit for bit. */
export class WasmBackend implements MergeBackend {
  readonly id = 'wasm';
  readonly maxSliceBytes: number;
  readonly #memory: WasmMemory;
  readonly #pool: LanePool;
  readonly #kernels: KernelCache;
  readonly #slices = new Map<LoadedSlice, WasmSlice>();
  /** Addresses of what was lent and is not loaded yet. */
  readonly #lent = new Map<Uint8Array, number>();
  readonly lend: ((sizeBytes: number) => Uint8Array) | undefined;
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
    this.#memory = WasmMemory.create(options.memoryBytes ?? 2 ** 30, threadCount > 1);
    this.#pool = new LanePool(this.#memory, threadCount, chunkElements);
    this.#kernels = new KernelCache(this.#memory);
    // Growing takes away every view of memory that is not shared.
    this.lend = this.#memory.isShared ? (sizeBytes) => this.#lendShared(sizeBytes) : undefined;
    this.maxSliceBytes = this.capBytes / 4;
  }

  get threadCount(): number {
    return this.#pool.threadCount;
  }

  get device(): string {
    const count = this.threadCount;
    return `WebAssembly SIMD, ${count} ${count === 1 ? 'thread' : 'threads'}`;
  }

  /** The most bytes that its memory can grow to. */
  get capBytes(): number {
    return this.#memory.maximumPages * 65536;
  }

  /** Bytes that its memory takes now: it never shrinks, so this is the peak. */
  get grownBytes(): number {
    return this.#memory.bytes.length;
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
        const lent = this.#lent.get(bytes);
        this.#lent.delete(bytes);
        const address = lent ?? this.#memory.allocate(bytes.byteLength + paddingBytes);
        addresses.push(address);
        if (lent === undefined) this.#memory.bytes.set(bytes, address);
      }
    } catch (error) {
      for (const address of addresses) this.#memory.free(address);
      throw error;
    }
    const slice = describeSlice(this.id, inputs);
    this.#slices.set(slice, { addresses, layout: layoutOf(inputs), columns: new Map() });
    return slice;
  }

  #lendShared(sizeBytes: number): Uint8Array {
    const address = this.#memory.allocate(sizeBytes + paddingBytes);
    const bytes = new Uint8Array(this.#memory.memory.buffer, address, sizeBytes);
    this.#lent.set(bytes, address);
    return bytes;
  }

  takeBack(bytes: Uint8Array): void {
    const address = this.#lent.get(bytes);
    if (address === undefined) return;
    this.#lent.delete(bytes);
    this.#memory.free(address);
  }

  attach(slice: LoadedSlice, name: string, columns: readonly Float32Array[]): Promise<void> {
    checkColumns(slice, name, columns);
    const found = this.#find(slice);
    // eslint-disable-next-line @typescript-eslint/require-await -- a failure must be a rejection
    return this.#inTurn(async () => {
      const addresses: number[] = [];
      try {
        for (const { byteLength } of columns) {
          addresses.push(this.#memory.allocate(byteLength + paddingBytes));
        }
      } catch (error) {
        for (const address of addresses) this.#memory.free(address);
        throw error;
      }
      columns.forEach((column, index) => {
        const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
        this.#memory.bytes.set(bytes, addresses[index] ?? 0);
      });
      this.#setColumns(found, name, addresses);
    });
  }

  rankRows(
    slice: LoadedSlice,
    name: string,
    of: Expr<'f32'>,
    values: KernelValues,
    rowLength: number,
  ): Promise<void> {
    const found = this.#find(slice);
    const parts = { memory: this.#memory, pool: this.#pool, kernels: this.#kernels };
    return this.#inTurn(async () => {
      const columns: number[] = [];
      try {
        for (let model = 0; model < slice.specialistCount; model++) {
          columns.push(this.#memory.allocate(4 * slice.elementCount + paddingBytes));
        }
        for (const [model, out] of columns.entries()) {
          await rankModel(parts, { slice, found, of, values, rowLength, model, out });
        }
      } catch (error) {
        for (const address of columns) this.#memory.free(address);
        throw error;
      }
      this.#setColumns(found, name, columns);
    });
  }

  attachComputed(
    slice: LoadedSlice,
    name: string,
    value: Expr<'f32'>,
    values: KernelValues,
  ): Promise<void> {
    const found = this.#find(slice);
    return this.#inTurn(async () => {
      const out = this.#memory.allocate(4 * slice.elementCount + paddingBytes);
      try {
        await this.#mapInto(out, {
          slice,
          found,
          output: value,
          values,
          outDtype: 'F32',
          model: 0,
        });
      } catch (error) {
        this.#memory.free(out);
        throw error;
      }
      this.#setColumns(found, name, [out]);
    });
  }

  detach(slice: LoadedSlice, name: string): Promise<void> {
    const found = this.#find(slice);
    // eslint-disable-next-line @typescript-eslint/require-await -- a failure must be a rejection
    return this.#inTurn(async () => {
      this.#setColumns(found, name, []);
    });
  }

  #setColumns(found: WasmSlice, name: string, addresses: readonly number[]): void {
    for (const address of found.columns.get(name) ?? []) this.#memory.free(address);
    found.columns.set(name, addresses);
  }

  reduce(
    slice: LoadedSlice,
    reductions: readonly Reduction[],
    values: KernelValues,
    chunks?: readonly number[],
  ): Promise<readonly ReductionPartial[]> {
    const found = this.#find(slice);
    return this.#inTurn(async () => {
      const { elementCount } = slice;
      const { id, kernel } = this.#kernels.reduce(reductions, found.layout, elementCount);
      const chunkCount = chunks?.length ?? Math.ceil(elementCount / chunkElements);
      const outStrideBytes = 8 * kernel.resultCount;
      const binsStrideBytes = kernel.binTotal === 0 ? 0 : 4 * (kernel.binTotal + spareBinCount);
      const outBytes = outStrideBytes * chunkCount;
      const binsBytes = binsStrideBytes * this.threadCount;
      const listBytes = 4 * (chunks?.length ?? 0);
      const sizes = [outBytes, binsBytes, blockBytes(kernel, found), listBytes];
      return withRegions(this.#memory, sizes, async ([out = 0, bins = 0, block = 0, list = 0]) => {
        const chunkList = chunks && { address: list, length: chunks.length };
        new Int32Array(this.#memory.memory.buffer, list, chunks?.length ?? 0).set(chunks ?? []);
        this.#memory.bytes.fill(0, bins, bins + binsBytes);
        writeBlock(this.#memory.memory, block, slice, found, kernel, values);
        await this.#pool.run({
          kernelId: id,
          kernelBytes: kernel.bytes,
          block,
          elementCount,
          chunkList,
          out,
          outStrideBytes,
          bins,
          binsStrideBytes,
        });
        const { buffer } = this.#memory.memory;
        const numbers = new Float64Array(buffer, out, outBytes / 8);
        const counts = new Uint32Array(buffer, bins, binsBytes / 4);
        return readPartials(reductions, slice.specialistCount, {
          numbers,
          resultCount: kernel.resultCount,
          counts,
          laneWords: binsStrideBytes / 4,
        });
      });
    });
  }

  map(
    slice: LoadedSlice,
    output: Expr<'f32'>,
    values: KernelValues,
    outDtype: FloatDtype,
    model = 0,
  ): Promise<Uint8Array> {
    const found = this.#find(slice);
    const outBytes = slice.elementCount * dtypeSizesBytes[outDtype];
    return this.#inTurn(async () =>
      withRegions(this.#memory, [outBytes + paddingBytes], async ([out = 0]) => {
        await this.#mapInto(out, { slice, found, output, values, outDtype, model });
        return this.#copy(out, outBytes);
      }),
    );
  }

  /** @param out address with room for every element and a few more */
  async #mapInto(
    out: number,
    { slice, found, output, values, outDtype, model }: MapRequest,
  ): Promise<void> {
    const { id, kernel } = this.#kernels.map(output, outDtype, found.layout, model);
    await withRegions(this.#memory, [blockBytes(kernel, found)], async ([block = 0]) => {
      writeBlock(this.#memory.memory, block, slice, found, kernel, values);
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
    });
  }

  release(slice: LoadedSlice): void {
    const found = this.#slices.get(slice);
    if (found === undefined) return;
    this.#slices.delete(slice);
    const free = (): void => {
      const columns = [...found.columns.values()].flat();
      for (const address of [...found.addresses, ...columns]) this.#memory.free(address);
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

  #copy(address: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(sizeBytes);
    copy.set(this.#memory.bytes.subarray(address, address + sizeBytes));
    return copy;
  }
}
