import { elementCountOf } from '../core/dtype';
import type { OnnxDataType, OnnxTensor } from '../formats/onnx-model';

/** How a matrix is stored in the data files. */
export type WeightEncoding = 'fp32' | 'q8' | 'q4';

/** Values share one scale in blocks of this many along a row (ONNX `MatMulNBits`, `block_size`). */
export const blockSize = 32;

/** One ONNX initializer made from a matrix. */
export interface WeightPart {
  readonly name: string;
  readonly role: 'values' | 'codes' | 'scales' | 'zeroPoints';
  readonly dataType: OnnxDataType;
  readonly dims: readonly number[];
  readonly fileIndex: number;
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

/** Lays out matrices one after another in data files below 1.9 GB each. */
export class WeightPlanner {
  readonly #baseName: string;
  readonly #weights: PlannedWeight[] = [];
  readonly #sizesBytes: number[] = [0];

  /** @param baseName name of the first data file; later ones get `_1`, `_2` as transformers.js asks */
  constructor(baseName: string) {
    this.#baseName = baseName;
  }

  /** Reserves room for a matrix and gives its initializers. */
  add(
    name: string,
    sources: readonly string[],
    shape: readonly [rows: number, columns: number] | readonly [length: number],
    encoding: WeightEncoding,
  ): readonly OnnxTensor[] {
    const rows = shape.length === 1 ? 1 : shape[0];
    const columns = shape.length === 1 ? shape[0] : shape[1];
    const parts = partsOf(name, shape, encoding).map((part) => this.#place(part));
    this.#weights.push({ sources, rows, columns, encoding, parts });
    return parts.map((part) => ({
      name: part.name,
      dataType: part.dataType,
      dims: part.dims,
      data: {
        location: this.#fileName(part.fileIndex),
        offsetBytes: part.offsetBytes,
        lengthBytes: part.lengthBytes,
      },
    }));
  }

  finish(): WeightPlan {
    const files = this.#sizesBytes.map((sizeBytes, index) => ({
      name: this.#fileName(index),
      sizeBytes,
    }));
    return { weights: this.#weights, files };
  }

  #place(part: Omit<WeightPart, 'fileIndex' | 'offsetBytes'>): WeightPart {
    let fileIndex = this.#sizesBytes.length - 1;
    let offsetBytes = alignUp(this.#sizesBytes[fileIndex] ?? 0);
    if (offsetBytes > 0 && offsetBytes + part.lengthBytes > maxFileBytes) {
      fileIndex++;
      offsetBytes = 0;
    }
    this.#sizesBytes[fileIndex] = offsetBytes + part.lengthBytes;
    return { ...part, fileIndex, offsetBytes };
  }

  #fileName(index: number): string {
    return index === 0 ? this.#baseName : `${this.#baseName}_${String(index)}`;
  }
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
): Omit<WeightPart, 'fileIndex' | 'offsetBytes'>[] {
  if (encoding === 'fp32' || shape.length === 1) {
    return [part(name, 'values', 'float32', shape)];
  }
  const [rows, columns] = shape;
  const blocks = blocksPerRow(columns);
  const codeBytes = encoding === 'q8' ? blockSize : blockSize / 2;
  const parts = [
    part(`${name}.codes`, 'codes', 'uint8', [rows, blocks, codeBytes]),
    part(`${name}.scales`, 'scales', 'float32', [rows, blocks]),
  ];
  if (encoding === 'q4') {
    parts.push(part(`${name}.zeros`, 'zeroPoints', 'uint8', [rows, Math.ceil(blocks / 2)]));
  }
  return parts;
}

function part(
  name: string,
  role: WeightPart['role'],
  dataType: OnnxDataType & ('float32' | 'uint8'),
  dims: readonly number[],
): Omit<WeightPart, 'fileIndex' | 'offsetBytes'> {
  const widthBytes = dataType === 'float32' ? 4 : 1;
  return { name, role, dataType, dims, lengthBytes: elementCountOf(dims) * widthBytes };
}

function alignUp(offsetBytes: number): number {
  return Math.ceil(offsetBytes / alignmentBytes) * alignmentBytes;
}
