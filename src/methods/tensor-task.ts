import type { LoadedSlice } from '../expr/backend';
import type { MethodNumbers } from './method';
import type { PassMemory } from './pass-memory';

/**
 * One tensor to merge. The caller decides how its slices are kept: read again for every pass, or
 * left loaded for the next movement of a slider.
 */
export interface TensorTask {
  /** Name in the merged checkpoint. */
  readonly name: string;
  readonly elementCount: number;
  readonly specialistCount: number;
  /** Every number parameter of the method, resolved for this tensor. */
  readonly numbers: MethodNumbers;
  readonly sliceCount: number;
  /** The slices in order cover the tensor once; each begins at a multiple of `chunkElements`. */
  openSlice(index: number, signal?: AbortSignal): Promise<LoadedSlice>;
  /** Called once for every `openSlice`; releases the slice, or keeps it for later. */
  closeSlice(slice: LoadedSlice, index: number): void;
}

export interface MergeOptions {
  /** Of random masks; its low 32 bits count. */
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** Kept by the caller between merges of the same weights; without it every pass is run. */
  readonly memory?: PassMemory | undefined;
}
