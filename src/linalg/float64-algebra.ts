import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import type { DenseMatrix } from './dense-matrix';
import { zeros } from './dense-matrix';
import { descend64 } from './descend64';
import { countAbove } from './gram-triples';
import type { Descent, LinearAlgebra, SingularTriples, Transposing } from './linear-algebra';

/**
 * Everything in float64 on ml-matrix, in the words of the papers: what the others are tested
 * against, and what runs for small matrices. Slow beyond a few hundred rows (10 s for the singular
 * values of 576 × 1536), and an abort is heard only between operations.
 */
export class Float64Algebra implements LinearAlgebra {
  readonly id = 'float64';

  async multiply(
    a: DenseMatrix,
    b: DenseMatrix,
    transposing: Transposing = 'none',
  ): Promise<DenseMatrix> {
    const left = transposing === 'left' ? matrixOf(a).transpose() : matrixOf(a);
    const right = transposing === 'right' ? matrixOf(b).transpose() : matrixOf(b);
    return Promise.resolve(denseOf(left.mmul(right)));
  }

  async leadingTriples(
    a: DenseMatrix,
    count: number,
    signal?: AbortSignal,
  ): Promise<SingularTriples> {
    signal?.throwIfAborted();
    const { u, s, v } = decompose(a);
    const kept = Math.min(count, countAbove(s));
    return Promise.resolve({
      left: denseOf(u.transpose(), kept),
      singularValues: s.slice(0, kept),
      right: denseOf(v.transpose(), kept),
    });
  }

  async polarFactor(a: DenseMatrix, signal?: AbortSignal): Promise<DenseMatrix> {
    const { left, right } = await this.leadingTriples(a, Infinity, signal);
    return left.rowCount === 0
      ? zeros(a.rowCount, a.columnCount)
      : this.multiply(left, right, 'left');
  }

  descend(descent: Descent, signal?: AbortSignal): Promise<DenseMatrix> {
    return descend64(descent, signal);
  }
}

function decompose(a: DenseMatrix): { u: Matrix; s: Float64Array; v: Matrix } {
  if (a.values.length === 0) {
    return {
      u: Matrix.zeros(a.rowCount, 0),
      s: new Float64Array(),
      v: Matrix.zeros(a.columnCount, 0),
    };
  }
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(
    matrixOf(a),
    { autoTranspose: true },
  );
  return { u: leftSingularVectors, s: Float64Array.from(diagonal), v: rightSingularVectors };
}

function matrixOf({ rowCount, columnCount, values }: DenseMatrix): Matrix {
  return Matrix.from1DArray(rowCount, columnCount, values);
}

function denseOf(matrix: Matrix, rowCount = matrix.rows): DenseMatrix {
  const values = new Float64Array(rowCount * matrix.columns);
  for (let row = 0; row < rowCount; row++) values.set(matrix.getRow(row), row * matrix.columns);
  return { rowCount, columnCount: matrix.columns, values };
}
