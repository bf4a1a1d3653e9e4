import type { Dtype } from '../core/dtype';

/** What a checkpoint's header says of one tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major, last axis contiguous; `[]` is a scalar. */
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

/** A part of one tensor's bytes, counted from the tensor's own beginning. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/**
 * Gives room for bytes that are about to be read. A reader that fills memory of the caller's choice
 * takes it; any other returns bytes of its own.
 */
export type Allocate = (sizeBytes: number) => Uint8Array;

/**
 * Named tensors whose bytes are read on demand: a safetensors file, a sharded folder, cached chunks
 * or a merge held in memory. Reading one tensor never reads another.
 */
export interface CheckpointReader {
  /** A short name for messages, such as `math` or `my-model/model.safetensors`. */
  readonly label: string;
  /** In the order of the file, or of one shard after another. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Sentences about the weights that a person should know before a merge, such as how they were rounded. */
  readonly notes?: readonly string[];
  /**
   * Little-endian bytes of a tensor, or of a part of it.
   * @throws LabError `source/read-failed`, `format/truncated`, `store/corrupt`
   */
  read(
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
    allocate?: Allocate,
  ): Promise<Uint8Array>;
}
