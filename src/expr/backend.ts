import type { FloatDtype } from '../core/dtype';
import type { Expr } from './expr';
import type { Reduction, ReductionPartial } from './reduction';

export type BackendId = 'webgpu' | 'wasm' | 'oracle';

/**
 * Elements per chunk of a reduction. Sums are taken per chunk and chunk sums are added in order, so
 * that slices and threads change nothing; therefore a slice begins at a multiple of this.
 */
export const chunkElements = 16384;

/** Little-endian weights of one model, exactly `elementCount` of them. */
export interface ModelBytes {
  readonly dtype: FloatDtype;
  readonly bytes: Uint8Array;
}

/** A run of consecutive elements of one tensor, from every model that takes part. */
export interface SliceInputs {
  /** For messages. */
  readonly tensorName: string;
  /** Names the tensor for random bits: `hashText32` of the output tensor's name. */
  readonly tensorKey: number;
  /** Position of the first element in the tensor, row-major; a multiple of `chunkElements`. */
  readonly firstElement: number;
  readonly elementCount: number;
  /** Present exactly when the method works on task vectors. */
  readonly base?: ModelBytes | undefined;
  /** One to twelve, in the recipe's order. dtypes may differ between models. */
  readonly specialists: readonly ModelBytes[];
}

/** A slice that lies in a back end's memory until `release`; valid for that back end only. */
export interface LoadedSlice {
  readonly backend: BackendId;
  readonly tensorName: string;
  readonly tensorKey: number;
  readonly firstElement: number;
  readonly elementCount: number;
  readonly specialistCount: number;
  /** Bytes of all inputs together. */
  readonly byteCount: number;
}

/** Numbers a kernel reads by name. f32 names are rounded to float32, u32 names must be in range. */
export interface KernelValues {
  /** The seed of random bits; its low 32 bits count. */
  readonly seed: number;
  readonly scalars: Readonly<Record<string, number>>;
  /** One number per specialist. */
  readonly perModel: Readonly<Record<string, readonly number[]>>;
}

/**
 * Runs expressions over slices. Every back end gives the oracle's answer: WASM bit for bit, WebGPU
 * within one unit in the last place of the output's dtype.
 *
 * Slices stay loaded between calls, so that a coefficient can move without another upload. Calls on
 * one back end may overlap; they are carried out in the order in which they were made.
 */
export interface MergeBackend {
  readonly id: BackendId;
  /** For the person: the adapter's name, or "WebAssembly SIMD, 2 threads". */
  readonly device: string;
  readonly threadCount: number;
  /** The most bytes of inputs (base and specialists together) that one slice may have. */
  readonly maxSliceBytes: number;

  /**
   * Room in the back end's own memory for one input that is about to be read: `load` takes it over
   * as it is, without a copy. Absent where the memory cannot be lent.
   * @throws LabError `wasm/out-of-memory`
   */
  readonly lend?: ((sizeBytes: number) => Uint8Array) | undefined;

  /** Takes back what was lent and will not be loaded; does nothing for any other bytes. */
  takeBack?(bytes: Uint8Array): void;

  /**
   * Copies the inputs; the caller may reuse its buffers once the promise has settled.
   * @throws LabError `wasm/out-of-memory`, `gpu/out-of-memory`, `gpu/lost`, `recipe/shape-mismatch`
   * when a model's bytes do not match `elementCount`
   */
  load(inputs: SliceInputs): Promise<LoadedSlice>;

  /**
   * Adds computed inputs to a slice, or replaces those of the same name: one array that expressions
   * read by `column(name)`, or one per specialist, read by `columnOf(name)`. Each holds
   * `elementCount` values; they are copied and freed with the slice.
   * @throws LabError `wasm/out-of-memory`, `gpu/out-of-memory`, `gpu/lost`
   */
  attach(slice: LoadedSlice, name: string, columns: readonly Float32Array[]): Promise<void>;

  /**
   * Attaches, for every specialist, the rank of |of| within its row: 0 for the smallest, equal
   * magnitudes in the order of their places, NaN last. Rows have `rowLength` elements and none is
   * split between slices.
   * @throws LabError as `attach` and `map`
   */
  rankRows(
    slice: LoadedSlice,
    name: string,
    of: Expr<'f32'>,
    values: KernelValues,
    rowLength: number,
  ): Promise<void>;

  /**
   * Attaches one value per element, as `attach`, that an expression gives; read by `column(name)`.
   * @throws LabError as `attach` and `map`
   */
  attachComputed(
    slice: LoadedSlice,
    name: string,
    value: Expr<'f32'>,
    values: KernelValues,
  ): Promise<void>;

  /** Frees the computed inputs of a name before the slice is released. */
  detach(slice: LoadedSlice, name: string): Promise<void>;

  /**
   * Computes every reduction in one pass over the slice, results in the same order. Partials of
   * successive slices are joined by `ReductionTotal`.
   * @param chunks the numbers of the slice's chunks to look at, in any order; all unless given.
   * Lists of chunk results come in this order
   * @throws LabError `gpu/lost`, `wasm/out-of-memory`
   */
  reduce(
    slice: LoadedSlice,
    reductions: readonly Reduction[],
    values: KernelValues,
    chunks?: readonly number[],
  ): Promise<readonly ReductionPartial[]>;

  /**
   * Evaluates `output` for every element, in float32, and rounds once, to nearest even. Yields
   * `elementCount` elements of `outDtype`, little-endian, in memory of the caller's own.
   * @param model the model at hand outside folds, for expressions of one specialist
   * @throws LabError `gpu/lost`, `gpu/out-of-memory`, `wasm/out-of-memory`
   */
  map(
    slice: LoadedSlice,
    output: Expr<'f32'>,
    values: KernelValues,
    outDtype: FloatDtype,
    model?: number,
  ): Promise<Uint8Array>;

  /** Frees a slice; a second call does nothing. */
  release(slice: LoadedSlice): void;

  /** Frees everything and ends threads; the back end is unusable afterwards. */
  dispose(): void;
}
