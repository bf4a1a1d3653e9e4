import { f16ToF32, f32ToF16 } from '../core/float-bits';
import { blocksPerRow, blockSize } from './weight-plan';

/** A matrix in blocks of 32 along its rows, as ONNX `MatMulNBits` stores it. */
export interface QuantisedRows {
  /** `[rows, blocks, 32]` bytes for 8 bits, `[rows, blocks, 16]` for 4, low nibble first. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** `[rows, blocks]`; with 4 bits each is a float16 exactly. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** 4 bits only: `[rows, ceil(blocks / 2)]`, low nibble first, each row padded to a byte. */
  readonly zeroPoints?: Uint8Array<ArrayBuffer>;
}

/**
 * Rounds rows `[rows, columns]` to 8 bits, symmetric about code 128: value = (code - 128) · scale,
 * scale = largest magnitude / 127. The error is at most scale / 2, that is 0.4 % of the block's
 * largest magnitude. A block with a NaN or an infinity gets the scale NaN, so that a run shows it.
 */
export function quantise8(values: Float32Array, rows: number, columns: number): QuantisedRows {
  const blocks = blocksPerRow(columns);
  const codes = new Uint8Array(rows * blocks * blockSize).fill(128);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * columns + block * blockSize;
      const to = Math.min(from + blockSize, (row + 1) * columns);
      const { low, high } = rangeOf(values, from, to);
      const scale = Math.fround(Math.max(-low, high) / 127);
      const index = row * blocks + block;
      scales[index] = scale;
      if (!(scale > 0)) continue;
      const target = index * blockSize - from;
      for (let at = from; at < to; at++) {
        codes[target + at] = clamp(Math.round((values[at] ?? 0) / scale) + 128, 255);
      }
    }
  }
  return { codes, scales };
}

/**
 * Rounds rows to 4 bits with a zero point a block: value = (code - zero) · scale, scale = range / 15
 * where the range includes 0, rounded up to a float16. The error is at most scale / 2. NaN and
 * infinity as in `quantise8`; a range above 15 · 65504, beyond float16, counts as infinity.
 */
export function quantise4(
  values: Float32Array,
  rows: number,
  columns: number,
): Required<QuantisedRows> {
  const blocks = blocksPerRow(columns);
  const zeroBytes = Math.ceil(blocks / 2);
  const codes = new Uint8Array(rows * blocks * (blockSize / 2));
  const scales = new Float32Array(rows * blocks);
  const zeroPoints = new Uint8Array(rows * zeroBytes);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * columns + block * blockSize;
      const to = Math.min(from + blockSize, (row + 1) * columns);
      const { low, high } = rangeOf(values, from, to);
      const scale = roundUpToF16((high - low) / 15);
      const index = row * blocks + block;
      scales[index] = scale;
      if (!(scale > 0)) continue;
      const zero = clamp(Math.round(-low / scale), 15);
      setNibble(zeroPoints, row * zeroBytes * 2 + block, zero);
      const target = (index * blockSize) / 2;
      for (let pair = 0; pair < blockSize / 2; pair++) {
        const at = from + 2 * pair;
        // Padding past the end of a row stands for 0, which is the zero point.
        const first = at < to ? (values[at] ?? 0) : 0;
        const second = at + 1 < to ? (values[at + 1] ?? 0) : 0;
        const lowNibble = clamp(Math.round(first / scale) + zero, 15);
        const highNibble = clamp(Math.round(second / scale) + zero, 15);
        codes[target + pair] = lowNibble | (highNibble << 4);
      }
    }
  }
  return { codes, scales, zeroPoints };
}

/** What `MatMulNBits` multiplies by: the inverse of `quantise8` and `quantise4`, in float32. */
export function dequantise(
  quantised: QuantisedRows,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const { codes, scales, zeroPoints } = quantised;
  const blocks = blocksPerRow(columns);
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const block = Math.floor(column / blockSize);
      const index = (row * blocks + block) * blockSize + (column % blockSize);
      const scale = scales[row * blocks + block] ?? 0;
      const centred =
        zeroPoints === undefined
          ? (codes[index] ?? 0) - 128
          : nibble(codes, index) - nibble(zeroPoints, row * Math.ceil(blocks / 2) * 2 + block);
      values[row * columns + column] = centred * scale;
    }
  }
  return values;
}

/** The least float16 that is not below a value of 0 or more; NaN where there is none. */
function roundUpToF16(value: number): number {
  const nearest = f32ToF16(value);
  const rounded = f16ToF32(nearest) < value ? f16ToF32(nearest + 1) : f16ToF32(nearest);
  return rounded < Infinity ? rounded : NaN;
}

/** Least and greatest value, 0 included; NaN when any value is not finite. */
function rangeOf(values: Float32Array, from: number, to: number): { low: number; high: number } {
  let low = 0;
  let high = 0;
  let finite = 0;
  for (let at = from; at < to; at++) {
    const value = values[at] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
    // 0 · NaN and 0 · Infinity are NaN, and NaN stays.
    finite += 0 * value;
  }
  return finite === 0 ? { low, high } : { low: NaN, high: NaN };
}

function clamp(code: number, highest: number): number {
  return Math.min(Math.max(code, 0), highest);
}

function nibble(bytes: Uint8Array, index: number): number {
  return ((bytes[index >> 1] ?? 0) >> ((index & 1) * 4)) & 15;
}

/** Writes into a byte whose nibble is still 0. */
function setNibble(bytes: Uint8Array, index: number, code: number): void {
  bytes[index >> 1] = (bytes[index >> 1] ?? 0) | (code << ((index & 1) * 4));
}
