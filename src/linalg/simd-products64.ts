import { EventBreaks } from '../core/event-breaks';
import type { DenseMatrix } from './dense-matrix';
import { mirror, zeros } from './dense-matrix';
import { productRows } from './kernels64';
import { roundUp, strideOf, withWorkspace } from './workspace64';

/** Rows of `b` that are used again and again while they are in a processor's cache. */
const blockRows = 32;
/** Rows of `a` between two looks at waiting messages; even. */
const turnRows = 64;

/**
 * A·Bᵀ in float64, as `multiplyByTransposed64` but for the order of its sums, and several times as
 * fast. With `b` the very same object as `a`, only one half is computed.
 */
export async function simdMultiplyByTransposed64(
  a: DenseMatrix,
  b: DenseMatrix,
  signal?: AbortSignal,
): Promise<DenseMatrix> {
  const product = zeros(a.rowCount, b.rowCount);
  if (product.values.length === 0 || a.columnCount === 0) return product;
  const isGram = a === b;
  const stride = strideOf(a.columnCount);
  const rowsOf = ({ rowCount }: DenseMatrix): number => roundUp(rowCount, productRows);
  await withWorkspace(async (workspace) => {
    const [left, found, other] = workspace.reserve([
      rowsOf(a) * stride,
      turnRows * blockRows,
      isGram ? 0 : rowsOf(b) * stride,
    ]) as [Float64Array, Float64Array, Float64Array];
    const right = isGram ? left : other;
    placeRows(left, a, stride);
    if (!isGram) placeRows(right, b, stride);
    const breaks = new EventBreaks();
    for (let first = 0; first < b.rowCount; first += blockRows) {
      const width = Math.min(blockRows, b.rowCount - first);
      for (let row = isGram ? first : 0; row < a.rowCount; row += turnRows) {
        const height = Math.min(turnRows, a.rowCount - row);
        workspace.multiply(
          left.byteOffset + 8 * row * stride,
          left.byteOffset + 8 * roundUp(row + height, 2) * stride,
          right.byteOffset + 8 * first * stride,
          right.byteOffset + 8 * roundUp(first + width, productRows) * stride,
          found.byteOffset,
          8 * blockRows,
          8 * stride,
        );
        for (let i = 0; i < height; i++) {
          const own = found.subarray(i * blockRows, i * blockRows + width);
          product.values.set(own, (row + i) * b.rowCount + first);
        }
        await breaks.pause(signal);
      }
    }
  });
  if (isGram) mirror(product);
  return product;
}

function placeRows(
  to: Float64Array,
  { rowCount, columnCount, values }: DenseMatrix,
  stride: number,
): void {
  for (let row = 0; row < rowCount; row++) {
    to.set(values.subarray(row * columnCount, (row + 1) * columnCount), row * stride);
  }
}
