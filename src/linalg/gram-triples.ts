import type { DenseMatrix } from './dense-matrix';
import { scaleRows, transposed } from './dense-matrix';
import type { SingularTriples } from './linear-algebra';
import { negligibleShare } from './linear-algebra';
import { simdMultiplyByTransposed64 } from './simd-products64';
import { symmetricEigen } from './symmetric-eigen';

/**
 * Leading singular triples from the eigenpairs of A·Aᵀ or Aᵀ·A, whichever is smaller, in float64:
 * σ² and u are an eigenpair, v = Aᵀu/σ. Squaring costs half of the 16 digits, and those left are as
 * many as float32 has; singular values below 1e-7 of the largest would be lost, and are negligible.
 */
export async function gramTriples(
  a: DenseMatrix,
  count: number,
  signal?: AbortSignal,
): Promise<SingularTriples> {
  if (a.rowCount > a.columnCount) {
    const { left, singularValues, right } = await gramTriples(transposed(a), count, signal);
    return { left: right, singularValues, right: left };
  }
  const size = a.rowCount;
  const gram = await simdMultiplyByTransposed64(a, a, signal);
  const { values, vectors } = await symmetricEigen(size, Float64Array.from(gram.values), signal);
  const singularValues = values.map((value) => Math.sqrt(Math.max(0, value)));
  const kept = Math.min(count, countAbove(singularValues));
  const left = {
    rowCount: kept,
    columnCount: size,
    values: vectors.slice(0, kept * size),
  };
  const scaled = await simdMultiplyByTransposed64(left, transposed(a), signal);
  const largest = singularValues.slice(0, kept);
  return {
    left,
    singularValues: largest,
    right: scaleRows(
      scaled,
      largest.map((value) => 1 / value),
    ),
  };
}

/** How many singular values, largest first, are not negligible. */
export function countAbove(singularValues: Float64Array): number {
  const [top = 0] = singularValues;
  const end = singularValues.findIndex((value) => value <= top * negligibleShare || value === 0);
  return end < 0 ? singularValues.length : end;
}

/** U·Vᵀ of all triples that are not negligible, in float64; see `LinearAlgebra.polarFactor`. */
export async function gramPolarFactor(a: DenseMatrix, signal?: AbortSignal): Promise<DenseMatrix> {
  const { left, right } = await gramTriples(a, Infinity, signal);
  return simdMultiplyByTransposed64(transposed(left), transposed(right), signal);
}
