import { Random } from '../../../src/core/random';
import type { DenseMatrix } from '../../../src/linalg/dense-matrix';

/** Entries uniform in [-0.5, 0.5), rounded to float32 as weights are. */
export function randomMatrix(rowCount: number, columnCount: number, seed: number): DenseMatrix {
  const random = new Random(seed);
  const values = Float32Array.from({ length: rowCount * columnCount }, () => random.next01() - 0.5);
  return { rowCount, columnCount, values };
}

/** The largest |aᵢⱼ − bᵢⱼ|; NaN when either has one, or the shapes differ. */
export function maxDifference(a: DenseMatrix, b: DenseMatrix): number {
  if (a.rowCount !== b.rowCount || a.columnCount !== b.columnCount) return NaN;
  let worst = 0;
  for (let i = 0; i < a.values.length; i++) {
    worst = Math.max(worst, Math.abs((a.values[i] ?? NaN) - (b.values[i] ?? NaN)));
  }
  return worst;
}

/** The largest |aᵢⱼ|; NaN when there is one. */
export function maxMagnitude({ values }: DenseMatrix): number {
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i] ?? NaN));
  return worst;
}
