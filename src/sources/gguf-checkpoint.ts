import { dtypeSizesBytes } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import type { Allocate, ByteRange, TensorInfo } from '../formats/checkpoint-reader';
import type { GgufArchitecture } from '../formats/gguf-architectures';
import { decodeGgufBlocks } from '../formats/gguf-blocks';
import type { GgufTensor } from '../formats/gguf-header';
import { ggufTypes } from '../formats/gguf-types';
import { quoted } from '../formats/text';
import type { ModelFile } from './model-files';
import type { OpenCheckpoint } from './open-checkpoint';
import { checkRange } from './read-range';

const widthBytes = dtypeSizesBytes.F32;
/** Widened at a time: 8 MB of float32, so that a slice costs little more than itself. */
const pieceValueCount = 2 ** 21;

/** One tensor of a GGUF file under its name in Hugging Face's layout. */
export interface GgufSource {
  readonly name: string;
  readonly stored: GgufTensor;
  readonly file: ModelFile;
  /** Present when rows lie in pairs: how many heads they belong to. */
  readonly headCount: number | undefined;
  /** Taken from each value: 1 for norms that are stored with 1 added. */
  readonly offset: number;
}

/**
 * A GGUF file as a checkpoint: Hugging Face's names, shapes and row order, every number widened to
 * float32 when it is read. Reading a part reads the blocks it lies in and no more.
 */
export class GgufCheckpoint implements OpenCheckpoint {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly lacksHead: boolean;
  readonly notes: readonly string[];
  readonly architecture: GgufArchitecture;
  readonly #sources: ReadonlyMap<string, GgufSource>;

  constructor(
    label: string,
    sources: readonly GgufSource[],
    architecture: GgufArchitecture,
    notes: readonly string[],
  ) {
    this.label = label;
    this.architecture = architecture;
    this.notes = notes;
    this.#sources = new Map(sources.map((source) => [source.name, source]));
    this.tensors = new Map(
      sources.map(({ name, stored: { shape, elementCount } }) => [
        name,
        { name, dtype: 'F32', shape, sizeBytes: elementCount * widthBytes },
      ]),
    );
    this.metadata = new Map([['format', 'gguf']]);
    this.lacksHead = !this.tensors.has('lm_head.weight');
  }

  async read(
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
    allocate: Allocate = (sizeBytes) => new Uint8Array(sizeBytes),
  ): Promise<Uint8Array> {
    const source = this.#sources.get(name);
    if (source === undefined) {
      throw new LabError(
        'format/bad-index',
        `The model ${quoted(this.label)} has no tensor ${quoted(name)}; choose models of one architecture.`,
        { details: { model: this.label, tensor: name } },
      );
    }
    const sizeBytes = source.stored.elementCount * widthBytes;
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: sizeBytes };
    checkRange(`Tensor ${quoted(name)} of ${this.label}`, sizeBytes, offsetBytes, lengthBytes);
    const { stored, file, headCount, offset } = source;
    if (stored.type === 'F32' && headCount === undefined && offset === 0) {
      return file.read(stored.beginBytes + offsetBytes, lengthBytes, signal, allocate);
    }
    const bytes = allocate(lengthBytes);
    await widenInto(bytes, source, offsetBytes, signal);
    return bytes;
  }
}

/** Fills `target` with the tensor's float32 bytes from `offsetBytes` on. */
async function widenInto(
  target: Uint8Array,
  source: GgufSource,
  offsetBytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { stored, file, headCount, offset } = source;
  const { valuesPerBlock, bytesPerBlock } = ggufTypes[stored.type];
  // What can be read by itself: a block, or all rows of a head where their order changes.
  const headValues = stored.elementCount / (headCount ?? 1);
  const wholeHead = headValues % valuesPerBlock === 0 ? headValues : stored.elementCount;
  const unitValues = headCount === undefined ? valuesPerBlock : wholeHead;
  const unitBytes = (unitValues / valuesPerBlock) * bytesPerBlock;
  const unitsPerPiece = Math.max(1, Math.floor(pieceValueCount / unitValues));
  const endBytes = offsetBytes + target.byteLength;
  const endUnit = Math.ceil(endBytes / (unitValues * widthBytes));
  let unit = Math.floor(offsetBytes / (unitValues * widthBytes));
  while (unit < endUnit) {
    const unitCount = Math.min(unitsPerPiece, endUnit - unit);
    const blocks = await file.read(
      stored.beginBytes + unit * unitBytes,
      unitCount * unitBytes,
      signal,
    );
    let values = new Float32Array(unitCount * unitValues);
    decodeGgufBlocks(stored.type, blocks, values);
    if (headCount !== undefined) values = inHalves(values, headValues, rowLengthOf(stored));
    if (offset !== 0) for (const [index, value] of values.entries()) values[index] = value - offset;
    const beginBytes = unit * unitValues * widthBytes;
    const from = Math.max(offsetBytes, beginBytes);
    const to = Math.min(endBytes, beginBytes + values.byteLength);
    target.set(new Uint8Array(values.buffer, from - beginBytes, to - from), from - offsetBytes);
    unit += unitCount;
  }
}

/** A bias has one value for each row. */
function rowLengthOf({ shape }: GgufTensor): number {
  return shape.length < 2 ? 1 : (shape.at(-1) ?? 1);
}

/**
 * Rows of each head in the order of Hugging Face's layout: the first of every pair, then the second
 * of every pair.
 */
function inHalves(
  values: Float32Array<ArrayBuffer>,
  headValues: number,
  rowLength: number,
): Float32Array<ArrayBuffer> {
  const rowsPerHead = headValues / rowLength;
  invariant(rowsPerHead % 2 === 0, 'a head has an odd number of rows');
  const ordered = new Float32Array(values.length);
  for (let head = 0; head < values.length; head += headValues) {
    for (let row = 0; row < rowsPerHead; row++) {
      const pair = row % (rowsPerHead / 2);
      const storedRow = pair * 2 + (row < rowsPerHead / 2 ? 0 : 1);
      const from = head + storedRow * rowLength;
      ordered.set(values.subarray(from, from + rowLength), head + row * rowLength);
    }
  }
  return ordered;
}
