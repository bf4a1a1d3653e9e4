import { elementCountOf } from '../core/dtype';
import { invariant } from '../core/errors';
import type { OnnxDataType, OnnxTensor } from '../formats/onnx-model';

/** How a matrix is stored in the data files. */
export type WeightEncoding = 'fp32' | 'fp16' | 'q8' | 'q4';

/** Values share one scale in blocks of this many along a row (ONNX `MatMulNBits`, `block_size`). */
export const blockSize = 32;

/** One ONNX initializer made from a matrix. */
export interface WeightPart {
  readonly name: string;
  readonly role: 'values' | 'codes' | 'scales' | 'zeroPoints';
  readonly dataType: OnnxDataType;
  readonly dims: readonly number[];
  /** In the data file of its weight. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/**
 * A matrix `[rows, columns]` as the graph uses it: one or more checkpoint tensors stacked by rows,
 * with the parts its encoding yields. A vector is a matrix of one row.
 */
export interface PlannedWeight {
  readonly sources: readonly string[];
  readonly rows: number;
  readonly columns: number;
  readonly encoding: WeightEncoding;
  /** Added to every value before it is encoded. */
  readonly addend: number;
  /** The data file that holds all of its parts. */
  readonly fileIndex: number;
  /** In the order of the file. */
  readonly parts: readonly WeightPart[];
}

export interface WeightPlan {
  readonly weights: readonly PlannedWeight[];
  /** Names and sizes of the external data files, in order. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
}

/** Browsers fail to read files of 2 GiB at once (measured at 2.1 GiB in Chromium 156). */
const maxFileBytes = 1_900_000_000;
const alignmentBytes = 64;
const widthsBytes = { float32: 4, float16: 2, uint8: 1 } as const;

type UnplacedPart = Omit<WeightPart, 'offsetBytes'>;

/** A part whose place is not known yet, and what its initializer will say of it. */
interface AddedPart {
  readonly part: UnplacedPart;
  readonly place: { location: string; offsetBytes: number; readonly lengthBytes: number };
}

interface AddedWeight extends Omit<PlannedWeight, 'fileIndex' | 'parts'> {
  readonly added: readonly AddedPart[];
}

/**
 * Lays out matrices one after another in data files below 1.9 GB each, in the order of their tensors'
 * names: it is that of checkpoints as Hugging Face's libraries write them (layers 0, 1, 10, 11, …, 2),
 * which are then read from the beginning to the end.
 */
export class WeightPlanner {
  readonly #baseName: string;
  readonly #weights: AddedWeight[] = [];

  /** @param baseName name of the first data file; later ones get `_1`, `_2` as transformers.js asks */
  constructor(baseName: string) {
    this.#baseName = baseName;
  }

  /** Takes in a matrix and gives its initializers, whose places are known after `finish`. */
  add(
    name: string,
    sources: readonly string[],
    shape: readonly [rows: number, columns: number] | readonly [length: number],
    encoding: WeightEncoding,
    addend = 0,
  ): readonly OnnxTensor[] {
    const rows = shape.length === 1 ? 1 : shape[0];
    const columns = shape.length === 1 ? shape[0] : shape[1];
    const added = partsOf(name, shape, encoding).map((part) => ({
      part,
      place: { location: '', offsetBytes: 0, lengthBytes: part.lengthBytes },
    }));
    this.#weights.push({ sources, rows, columns, encoding, addend, added });
    return added.map(({ part, place }) => ({
      name: part.name,
      dataType: part.dataType,
      dims: part.dims,
      data: place,
    }));
  }

  finish(): WeightPlan {
    const sizesBytes = [0];
    const weights = this.#weights
      .toSorted((left, right) => compareTexts(left.sources[0] ?? '', right.sources[0] ?? ''))
      .map(({ added, ...weight }) => ({ ...weight, ...this.#place(added, sizesBytes) }));
    const files = sizesBytes.map((sizeBytes, index) => ({
      name: this.#fileName(index),
      sizeBytes,
    }));
    return { weights, files };
  }

  /**
   * All parts go into one file, so that every file can be made by itself.
   * @param sizesBytes of the files so far; changed
   */
  #place(
    added: readonly AddedPart[],
    sizesBytes: number[],
  ): Pick<PlannedWeight, 'fileIndex' | 'parts'> {
    const sizeBytes = added.reduce((sum, { part }) => sum + alignUp(part.lengthBytes), 0);
    let offsetBytes = alignUp(sizesBytes.at(-1) ?? 0);
    if (offsetBytes > 0 && offsetBytes + sizeBytes > maxFileBytes) {
      sizesBytes.push(0);
      offsetBytes = 0;
    }
    const fileIndex = sizesBytes.length - 1;
    const parts = added.map(({ part, place }) => {
      place.location = this.#fileName(fileIndex);
      place.offsetBytes = offsetBytes;
      sizesBytes[fileIndex] = offsetBytes + part.lengthBytes;
      offsetBytes = alignUp(offsetBytes + part.lengthBytes);
      return { ...part, offsetBytes: place.offsetBytes };
    });
    return { fileIndex, parts };
  }

  #fileName(index: number): string {
    return index === 0 ? this.#baseName : `${this.#baseName}_${String(index)}`;
  }
}

/** By code units, as Rust and Python sort names of ASCII. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Blocks along a row of `columns` values; the last one may be partly padding. */
export function blocksPerRow(columns: number): number {
  return Math.ceil(columns / blockSize);
}

/** Initializers of a quantised or plain matrix, in the layout `MatMulNBits` reads. */
function partsOf(
  name: string,
  shape: readonly [number, number] | readonly [number],
  encoding: WeightEncoding,
): UnplacedPart[] {
  if (encoding === 'fp32') return [part(name, 'values', 'float32', shape)];
  if (encoding === 'fp16') return [part(name, 'values', 'float16', shape)];
  invariant(shape.length === 2, 'only matrices are quantised');
  const [rows, columns] = shape;
  const blocks = blocksPerRow(columns);
  const codeBytes = encoding === 'q8' ? blockSize : blockSize / 2;
  const parts = [
    part(`${name}.codes`, 'codes', 'uint8', [rows, blocks, codeBytes]),
    part(`${name}.scales`, 'scales', encoding === 'q8' ? 'float32' : 'float16', [rows, blocks]),
  ];
  if (encoding === 'q4') {
    parts.push(part(`${name}.zeros`, 'zeroPoints', 'uint8', [rows, Math.ceil(blocks / 2)]));
  }
  return parts;
}

function part(
  name: string,
  role: WeightPart['role'],
  dataType: keyof typeof widthsBytes,
  dims: readonly number[],
): UnplacedPart {
  return { name, role, dataType, dims, lengthBytes: elementCountOf(dims) * widthsBytes[dataType] };
}

function alignUp(offsetBytes: number): number {
  return Math.ceil(offsetBytes / alignmentBytes) * alignmentBytes;
}
