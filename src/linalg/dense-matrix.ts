/** A matrix in row-major order. Functions of this folder change none that they were given, but for `mirror`. */
export interface DenseMatrix {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly values: Float32Array | Float64Array;
}

/** A matrix of zeros in float64. */
export function zeros(rowCount: number, columnCount: number): DenseMatrix {
  return { rowCount, columnCount, values: new Float64Array(rowCount * columnCount) };
}

/** aᵀ in float64. */
export function transposed({ rowCount, columnCount, values }: DenseMatrix): DenseMatrix {
  const flipped = new Float64Array(values.length);
  for (let row = 0; row < rowCount; row++) {
    for (let column = 0; column < columnCount; column++) {
      flipped[column * rowCount + row] = values[row * columnCount + column] ?? NaN;
    }
  }
  return { rowCount: columnCount, columnCount: rowCount, values: flipped };
}

/** Copies the lower triangle of a square matrix, in place, to the upper one. */
export function mirror({ rowCount: size, values }: DenseMatrix): void {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) values[j * size + i] = values[i * size + j] ?? NaN;
  }
}

/** The rows of all parts below one another, in float64; all have the same number of columns. */
export function stackRows(parts: readonly DenseMatrix[], columnCount: number): DenseMatrix {
  const rowCount = parts.reduce((total, part) => total + part.rowCount, 0);
  const values = new Float64Array(rowCount * columnCount);
  let end = 0;
  for (const part of parts) {
    values.set(part.values, end);
    end += part.values.length;
  }
  return { rowCount, columnCount, values };
}

/** Σ fᵢ·aᵢ over matrices of one shape, in float64; at least one. Factors are 1 unless given. */
export function weightedSum(
  matrices: readonly DenseMatrix[],
  factors: readonly number[] = [],
): DenseMatrix {
  const [first] = matrices;
  const { rowCount, columnCount } = first ?? zeros(0, 0);
  const values = new Float64Array(rowCount * columnCount);
  for (const [index, matrix] of matrices.entries()) {
    const factor = factors[index] ?? 1;
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] ?? NaN) + factor * (matrix.values[i] ?? NaN);
    }
  }
  return { rowCount, columnCount, values };
}

/** Row i times fᵢ, in float64. */
export function scaleRows(matrix: DenseMatrix, factors: ArrayLike<number>): DenseMatrix {
  const { rowCount, columnCount } = matrix;
  const values = Float64Array.from(matrix.values);
  for (let row = 0; row < rowCount; row++) {
    const factor = factors[row] ?? NaN;
    for (let i = row * columnCount; i < (row + 1) * columnCount; i++) {
      values[i] = factor * (values[i] ?? NaN);
    }
  }
  return { rowCount, columnCount, values };
}

/** Σ aᵢⱼ·bᵢⱼ of two matrices of one shape, in float64. */
export function innerProduct(a: DenseMatrix, b: DenseMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.values.length; i++) sum += (a.values[i] ?? NaN) * (b.values[i] ?? NaN);
  return sum;
}

/** √Σ aᵢⱼ² (Frobenius), in float64. */
export function norm(a: DenseMatrix): number {
  return Math.sqrt(innerProduct(a, a));
}
