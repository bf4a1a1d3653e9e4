import type { LoadedSlice } from '../expr/backend';
import type { LayerPlace, MethodNumbers, TensorRole } from './method';
import type { PassMemory } from './pass-memory';

/**
 * One tensor to merge. The caller decides how its slices are kept: read again for every pass, or
 * left loaded for the next movement of a slider.
 */
export interface TensorTask {
  /** Name in the merged checkpoint. */
  readonly name: string;
  readonly elementCount: number;
  readonly shape: readonly number[];
  /** Absent outside the layers. */
  readonly layer?: LayerPlace | undefined;
  readonly role?: TensorRole | undefined;
  readonly specialistCount: number;
  /** Every number parameter of the method, resolved for this tensor. */
  readonly numbers: MethodNumbers;
  readonly sliceCount: number;
  /**
   * The slices in order cover the tensor once; each begins at a multiple of `chunkElements`, and at
   * the beginning of a row where the definition has a `rank` pass.
   */
  openSlice(index: number, signal?: AbortSignal): Promise<LoadedSlice>;
  /** Called once for every `openSlice`; releases the slice, or keeps it for later. */
  closeSlice(slice: LoadedSlice, index: number): void;
}

/** mergekit's stream of random numbers, at any place of the merge. */
export interface MergekitDraws {
  /**
   * Uniform numbers in [0, 1) with 24 bits.
   * @param draw number among those of the tensor's models that draw at all, from 0
   */
  uniforms(
    tensorName: string,
    draw: number,
    firstElement: number,
    elementCount: number,
  ): Float32Array;
  /** The first `count` places of a random order of 0 … `length` − 1. */
  permutationHead(tensorName: string, draw: number, length: number, count: number): Uint32Array;
}

export interface MergeOptions {
  /** Of random masks; its low 32 bits count. */
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** mergekit's random numbers, for definitions with a pass that draws them. */
  readonly mergekitDraws?: MergekitDraws | undefined;
  /** Kept by the caller between merges of the same weights; without it every pass is run. */
  readonly memory?: PassMemory | undefined;
  /** The first slice whose output is wanted; the passes before it read every slice. Default 0. */
  readonly fromSlice?: number | undefined;
}
