import { LabError } from '../core/errors';
import type { ByteRange, CheckpointReader, TensorInfo } from '../formats/checkpoint-reader';
import { quoted } from '../formats/text';
import type { MergedWeights } from './merged-weights';

/** Reads merged weights like any checkpoint; every read is a copy. */
export class MergedCheckpoint implements CheckpointReader {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #weights: MergedWeights;
  readonly #offsets: ReadonlyMap<string, number>;

  constructor(weights: MergedWeights) {
    this.label = weights.label;
    this.#weights = weights;
    this.#offsets = new Map(weights.tensors.map(({ name, offsetBytes }) => [name, offsetBytes]));
    this.tensors = new Map(
      weights.tensors.map(({ name, dtype, shape, sizeBytes }) => [
        name,
        { name, dtype, shape, sizeBytes },
      ]),
    );
  }

  async read(name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const sizeBytes = this.tensors.get(name)?.sizeBytes;
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: sizeBytes ?? 0 };
    if (sizeBytes === undefined || offsetBytes + lengthBytes > sizeBytes) {
      throw new LabError(
        'format/truncated',
        `The merge ${quoted(this.label)} has no such bytes of tensor ${quoted(name)}; merge again.`,
        { details: { tensor: name, offsetBytes, lengthBytes } },
      );
    }
    const begin = (this.#offsets.get(name) ?? 0) + offsetBytes;
    return Promise.resolve(new Uint8Array(this.#weights.buffer.slice(begin, begin + lengthBytes)));
  }
}
