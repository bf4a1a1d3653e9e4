import { EventBreaks } from '../core/event-breaks';
import { invariant } from '../core/errors';
import { EigenVectors } from './eigen-vectors';
import { withWorkspace } from './workspace64';

/** Eigenvalues, largest first, and their unit eigenvectors as the rows of a square matrix. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/**
 * All eigenpairs of a symmetric matrix of `size` rows in float64: Householder tridiagonalisation,
 * then the implicit QL algorithm (Wilkinson and Reinsch 1971; Golub and Van Loan, Matrix
 * Computations, §8.3). Backward stable: errors are about `size`·2⁻⁵³ of the largest eigenvalue.
 * About 8·size³ operations, all along rows; those on vectors run on WebAssembly.
 */
export async function symmetricEigen(
  size: number,
  matrix: Float64Array,
  signal?: AbortSignal,
): Promise<SymmetricEigen> {
  const breaks = new EventBreaks();
  const work = Float64Array.from(matrix);
  const below = new Float64Array(size);
  const factors = new Float64Array(size);
  for (let k = size - 1; k > 0; k--) {
    factors[k] = reflectRow(size, work, k, below);
    await breaks.pause(signal);
  }
  const values = Float64Array.from({ length: size }, (_, i) => work[i * size + i] ?? NaN);
  below.copyWithin(0, 1);
  if (size > 0) below[size - 1] = 0;
  return withWorkspace(async (workspace) => {
    const vectors = new EigenVectors(workspace, size);
    await vectors.applyReflections(work, factors, () => breaks.pause(signal));
    for (let first = 0; first < size; first++) {
      for (let sweep = 0; sweepFrom(size, first, values, below, vectors); sweep++) {
        invariant(sweep < 100, 'the QL algorithm settles on every eigenvalue');
        await breaks.pause(signal);
      }
    }
    const order = Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
    return {
      values: Float64Array.from(order, (index) => values[index] ?? NaN),
      vectors: vectors.rows(order),
    };
  });
}

/**
 * Zeroes row `k` left of its subdiagonal by a reflection I − f·v·vᵀ of the leading k rows and
 * columns. Leaves v in the row and the subdiagonal element in `below[k]`.
 * @returns f, or 0 when there was nothing to do
 */
function reflectRow(size: number, a: Float64Array, k: number, below: Float64Array): number {
  const v = a.subarray(k * size, k * size + k);
  const last = v[k - 1] ?? 0;
  let tail = 0;
  for (let j = 0; j < k - 1; j++) tail += (v[j] ?? 0) ** 2;
  below[k] = last;
  if (tail === 0) return 0;
  const norm = Math.sqrt(last * last + tail);
  const element = last > 0 ? -norm : norm;
  below[k] = element;
  v[k - 1] = last - element;
  const factor = 2 / (tail + (last - element) ** 2);

  // p = f·A·v from the lower triangle, then A ← A − v·qᵀ − q·vᵀ with q = p − (f/2)(pᵀv)·v.
  const p = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    const row = i * size;
    const vi = v[i] ?? 0;
    let sum = (a[row + i] ?? 0) * vi;
    for (let j = 0; j < i; j++) {
      const element = a[row + j] ?? 0;
      sum += element * (v[j] ?? 0);
      p[j] = (p[j] ?? 0) + element * vi;
    }
    p[i] = (p[i] ?? 0) + sum;
  }
  let dot = 0;
  for (let i = 0; i < k; i++) {
    p[i] = factor * (p[i] ?? 0);
    dot += (p[i] ?? 0) * (v[i] ?? 0);
  }
  for (let i = 0; i < k; i++) p[i] = (p[i] ?? 0) - (factor / 2) * dot * (v[i] ?? 0);
  for (let i = 0; i < k; i++) {
    const row = i * size;
    const vi = v[i] ?? 0;
    const qi = p[i] ?? 0;
    for (let j = 0; j <= i; j++) {
      a[row + j] = (a[row + j] ?? 0) - vi * (p[j] ?? 0) - qi * (v[j] ?? 0);
    }
  }
  return factor;
}

/**
 * One implicit QL sweep over the block that begins at `first`; `e[i]` couples i and i + 1.
 * @returns false when the eigenvalue at `first` stands alone already
 */
function sweepFrom(
  size: number,
  first: number,
  d: Float64Array,
  e: Float64Array,
  vectors: EigenVectors,
): boolean {
  const at = (list: Float64Array, index: number): number => list[index] ?? 0;
  let end = first;
  while (end < size - 1) {
    const scale = Math.abs(at(d, end)) + Math.abs(at(d, end + 1));
    if (Math.abs(at(e, end)) <= Number.EPSILON * scale) break;
    end++;
  }
  if (end === first) return false;

  const half = (at(d, first + 1) - at(d, first)) / (2 * at(e, first));
  const root = Math.hypot(half, 1);
  let g = at(d, end) - at(d, first) + at(e, first) / (half + (half >= 0 ? root : -root));
  let sine = 1;
  let cosine = 1;
  let shift = 0;
  for (let i = end - 1; i >= first; i--) {
    const f = sine * at(e, i);
    const b = cosine * at(e, i);
    const length = Math.sqrt(f * f + g * g);
    e[i + 1] = length;
    if (length === 0) {
      d[i + 1] = at(d, i + 1) - shift;
      e[end] = 0;
      return true;
    }
    sine = f / length;
    cosine = g / length;
    g = at(d, i + 1) - shift;
    const turned = (at(d, i) - g) * sine + 2 * cosine * b;
    shift = sine * turned;
    d[i + 1] = g + shift;
    g = cosine * turned - b;
    vectors.rotate(i, sine, cosine);
  }
  d[first] = at(d, first) - shift;
  e[first] = g;
  e[end] = 0;
  return true;
}
