import type { CheckpointReader, TensorInfo } from './checkpoint-reader';

/** Some of a tensor's bytes. */
export interface TensorBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * A checkpoint whose tensors pass by once, such as one that is being merged: nothing of it has to be
 * kept to be read again.
 */
export interface TensorStream {
  /** A short name for messages. */
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Consecutive runs of little-endian bytes of the named tensors, in the order of the names. They may
   * end anywhere, also within an element.
   * @throws LabError as what the tensors come from
   */
  stream(names: readonly string[], signal?: AbortSignal): AsyncIterable<TensorBytes>;
}

/** Pieces in which a checkpoint is gone through. */
const pieceBytes = 8 << 20;

/** The tensors of a checkpoint that can be read anywhere, one after another. */
export function streamCheckpoint(reader: CheckpointReader): TensorStream {
  return {
    label: reader.label,
    tensors: reader.tensors,
    stream: async function* (names, signal) {
      for (const name of names) {
        const sizeBytes = reader.tensors.get(name)?.sizeBytes ?? 0;
        for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += pieceBytes) {
          const lengthBytes = Math.min(pieceBytes, sizeBytes - offsetBytes);
          yield { name, bytes: await reader.read(name, { offsetBytes, lengthBytes }, signal) };
        }
      }
    },
  };
}
