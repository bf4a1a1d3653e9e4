import type { DenseMatrix } from '../linalg/dense-matrix';
import { joinTriples } from './join-triples';
import type { MergeMethod } from './method';
import { lambda } from './parameters';
import type { TaskMatrices } from './spectral';
import { addMeanOfTasks, addMergedMatrix, spectralWeight } from './spectral';

/**
 * TSV-Merge (Gargiulo et al. 2025), as FusionBench. Where specialists span less than
 * their share of directions (equal task vectors, one that is zero), the whitening there depends on
 * arbitrary singular vectors of zeros; ours leaves those out.
 */
export const tsvMerge: MergeMethod = {
  id: 'tsv_merge',
  title: 'TSV-Merge',
  family: 'spectral',
  idea: 'Splits every change of a weight matrix into independent directions and keeps the strongest of each specialist. Directions of different specialists are turned until they no longer overlap, so that skills do not disturb one another.',
  formula:
    'wᵢτᵢ = UᵢSᵢVᵢᵀ cut to the first r/T,   U = orth[U₁ … U_T],   V = orth[V₁ … V_T],   W = B + λ·U·diag(S₁ … S_T)·Vᵀ',
  tex: 'w_i\\tau_i \\approx U_i S_i V_i^\\top \\text{ of rank } \\lfloor r/T \\rfloor, \\qquad W = B + \\lambda\\, \\mathrm{orth}[U_1 \\dots U_T]\\, \\mathrm{diag}(S_1 \\dots S_T)\\, \\mathrm{orth}[V_1 \\dots V_T]^\\top',
  tryThis:
    'Leave λ at 1 and add specialists one by one: each gets a smaller share of the directions. Compare with task arithmetic at the same weights.',
  source: {
    text: 'Gargiulo et al. 2025, Task Singular Vectors, TSV-Merge',
    url: 'https://arxiv.org/abs/2412.00081',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [spectralWeight, lambda],
  define: addMeanOfTasks,
  defineMatrix: addMergedMatrix(mergeTaskSingularVectors),
};

/** Û·diag(S)·V̂ᵀ of the specialists’ shares. */
export async function mergeTaskSingularVectors(matrices: TaskMatrices): Promise<DenseMatrix> {
  const { algebra, tasks, rank, signal } = matrices;
  const share = Math.trunc(rank * (1 / tasks.length));
  const triples = [];
  for (const task of tasks) triples.push(await algebra.leadingTriples(task, share, signal));
  return joinTriples(matrices, triples, (strengths) => strengths);
}
