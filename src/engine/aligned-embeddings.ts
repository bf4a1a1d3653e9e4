import { dtypeSizesBytes, elementCountOf, type FloatDtype } from '../core/dtype';
import { invariant } from '../core/errors';
import { decodeFloats, encodeFloats } from '../expr/decode';
import type {
  Allocate,
  ByteRange,
  CheckpointReader,
  TensorInfo,
} from '../formats/checkpoint-reader';
import type { TokenMap } from './token-map';
import { wholeUnits } from './whole-units';

/** Rows of a mean that are read at a time. */
const blockBytes = 4 << 20;

/** One tensor of a vocabulary as every model stores it. */
export interface VocabularyTensor {
  /** One of each vocabulary; the embedding for a head that is tied to it. */
  readonly sources: readonly {
    readonly reader: CheckpointReader;
    readonly info: TensorInfo & { readonly dtype: FloatDtype };
  }[];
  /** In which all models' aligned tensors come. */
  readonly dtype: FloatDtype;
}

/** Where one row comes from. */
type RowKind = 'row' | 'mean' | 'padding';
interface RowRun {
  readonly kind: RowKind;
  readonly model: number;
  readonly row: number;
  readonly count: number;
}

/**
 * A model whose embedding and head have one row for each token of the merge's tokenizer, in its
 * order; other tensors are the model's own. Rows are fetched as they are read: consecutive ones
 * together, means and padding computed in float32.
 */
export class AlignedCheckpoint implements CheckpointReader {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #model: CheckpointReader;
  readonly #place: number;
  readonly #map: TokenMap;
  readonly #aligned: ReadonlyMap<string, VocabularyTensor>;
  readonly #padding = new Map<VocabularyTensor, Promise<Float32Array>>();

  /**
   * @param place of the model among the vocabularies
   * @param aligned by the name in this model, which need not have a head of its own
   */
  constructor(
    model: CheckpointReader,
    place: number,
    map: TokenMap,
    aligned: ReadonlyMap<string, VocabularyTensor>,
  ) {
    this.label = model.label;
    this.#model = model;
    this.#place = place;
    this.#map = map;
    this.#aligned = aligned;
    const tensors = new Map(model.tensors);
    for (const [name, { sources, dtype }] of aligned) {
      const own = sources[place]?.info;
      invariant(own, 'every vocabulary has the tensor');
      const shape = [map.rowCount, ...own.shape.slice(1)];
      const sizeBytes = elementCountOf(shape) * dtypeSizesBytes[dtype];
      tensors.set(name, { name, dtype, shape, sizeBytes });
    }
    this.tensors = tensors;
  }

  async read(
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
    allocate?: Allocate,
  ): Promise<Uint8Array> {
    const tensor = this.#aligned.get(name);
    const info = this.tensors.get(name);
    if (tensor === undefined || info === undefined) {
      return this.#model.read(name, range, signal, allocate);
    }
    const rowBytes = info.sizeBytes / Math.max(this.#map.rowCount, 1);
    if (rowBytes === 0) return new Uint8Array(0);
    const { first, end, cut } = wholeUnits(info.sizeBytes, rowBytes, range);
    return cut(await this.#rows(tensor, first, end, rowBytes, signal));
  }

  async #rows(
    tensor: VocabularyTensor,
    first: number,
    end: number,
    rowBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const bytes = new Uint8Array((end - first) * rowBytes);
    for (let id = first; id < end;) {
      const run = this.#runAt(id, end);
      const target = bytes.subarray((id - first) * rowBytes, (id + run.count - first) * rowBytes);
      if (run.kind === 'row') {
        await this.#copyRows(tensor, run, target, signal);
      } else {
        const row =
          run.kind === 'mean'
            ? await this.#mean(tensor, id, signal)
            : await this.#paddingOf(tensor, signal);
        encodeFloats(row, tensor.dtype, target, 0);
      }
      id += run.count;
    }
    return bytes;
  }

  /** The longest run from `id` on whose rows lie one after another in one model. */
  #runAt(id: number, end: number): RowRun {
    const { model, row, kind } = this.#sourceOf(id);
    let count = 1;
    while (kind === 'row' && id + count < end) {
      const next = this.#sourceOf(id + count);
      if (next.kind !== 'row' || next.model !== model || next.row !== row + count) break;
      count++;
    }
    return { kind, model, row, count };
  }

  #sourceOf(id: number): Omit<RowRun, 'count'> {
    const none = { model: -1, row: -1 };
    const own = this.#map.ownRows[this.#place]?.[id] ?? -1;
    if (own >= 0) return { kind: 'row', model: this.#place, row: own };
    const origin = this.#map.origins.get(id);
    if (origin === undefined) return { kind: 'padding', ...none };
    const [only, ...others] = origin;
    const isRow = only !== undefined && others.length === 0;
    return isRow ? { kind: 'row', ...only } : { kind: 'mean', ...none };
  }

  async #copyRows(
    { sources, dtype }: VocabularyTensor,
    { model, row, count }: Omit<RowRun, 'kind'>,
    target: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const source = sources[model];
    invariant(source, 'every vocabulary has the tensor');
    const { reader, info } = source;
    const rowBytes = rowBytesOf(info);
    const range = { offsetBytes: row * rowBytes, lengthBytes: count * rowBytes };
    const bytes = await reader.read(info.name, range, signal);
    if (info.dtype === dtype) {
      target.set(bytes);
      return;
    }
    const values = new Float32Array(bytes.byteLength / dtypeSizesBytes[info.dtype]);
    decodeFloats({ dtype: info.dtype, bytes }, 0, values);
    encodeFloats(values, dtype, target, 0);
  }

  /** mergekit adds rows one by one in the dtype of the merge and divides by their number. */
  async #mean(
    tensor: VocabularyTensor,
    id: number,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const origin = this.#map.origins.get(id) ?? [];
    const widest = { ...tensor, dtype: 'F32' as const };
    const sum = new Float32Array(this.#rowLength(tensor));
    for (const { model, row } of origin) {
      const bytes = new Uint8Array(sum.byteLength);
      await this.#copyRows(widest, { model, row, count: 1 }, bytes, signal);
      new Float32Array(bytes.buffer).forEach((value, index) => {
        sum[index] = (sum[index] ?? 0) + value;
      });
    }
    return origin.length === 0 ? sum : sum.map((value) => value / origin.length);
  }

  /** The mean of all rows that stand for tokens (Hewitt 2021), summed in float64. */
  async #paddingOf(
    tensor: VocabularyTensor,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const known = this.#padding.get(tensor);
    if (known !== undefined) return known;
    const computing = this.#meanOfAll(tensor, signal);
    this.#padding.set(tensor, computing);
    computing.catch(() => this.#padding.delete(tensor));
    return computing;
  }

  async #meanOfAll(
    tensor: VocabularyTensor,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const length = this.#rowLength(tensor);
    const widest = { ...tensor, dtype: 'F32' as const };
    const sums = new Float64Array(length);
    const blockRows = Math.max(1, Math.floor(blockBytes / (4 * length)));
    let rowCount = 0;
    for (let first = 0; first < this.#map.tokenCount; first += blockRows) {
      const end = Math.min(first + blockRows, this.#map.tokenCount);
      for (let id = first; id < end;) {
        const run = this.#runAt(id, end);
        // Ids that no token has are padding themselves.
        if (run.kind !== 'padding') {
          const bytes = await this.#rows(widest, id, id + run.count, 4 * length, signal);
          new Float32Array(bytes.buffer).forEach((value, index) => {
            sums[index % length] = (sums[index % length] ?? 0) + value;
          });
          rowCount += run.count;
        }
        id += run.count;
      }
    }
    return Float32Array.from(sums, (sum) => sum / Math.max(rowCount, 1));
  }

  #rowLength({ sources }: VocabularyTensor): number {
    return elementCountOf(sources[this.#place]?.info.shape.slice(1) ?? []);
  }
}

function rowBytesOf({ sizeBytes, shape }: TensorInfo): number {
  return sizeBytes / Math.max(shape[0] ?? 1, 1);
}
