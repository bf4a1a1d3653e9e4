import type { DenseMatrix } from '../linalg/dense-matrix';
import { scaleRows, stackRows } from '../linalg/dense-matrix';
import type { SingularTriples } from '../linalg/linear-algebra';
import type { TaskMatrices } from './spectral';

/**
 * Û·diag(s)·V̂ᵀ, where Û and V̂ are the orthonormal matrices nearest to all left and all right singular
 * vectors side by side.
 * @param strengthsOf turns the singular values of all triples into s, as many
 */
export async function joinTriples(
  { algebra, tasks, signal }: TaskMatrices,
  triples: readonly SingularTriples[],
  strengthsOf: (singularValues: readonly number[]) => readonly number[],
): Promise<DenseMatrix> {
  const { rowCount = 0, columnCount = 0 } = tasks[0] ?? {};
  const lefts = triples.map(({ left }) => left);
  const rights = triples.map(({ right }) => right);
  const left = await algebra.polarFactor(stackRows(lefts, rowCount), signal);
  const right = await algebra.polarFactor(stackRows(rights, columnCount), signal);
  const strengths = strengthsOf(triples.flatMap(({ singularValues }) => [...singularValues]));
  return algebra.multiply(left, scaleRows(right, strengths), 'left');
}
