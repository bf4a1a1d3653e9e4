import type { DenseMatrix } from '../linalg/dense-matrix';
import { innerProduct, weightedSum } from '../linalg/dense-matrix';
import type { MergeMethod } from './method';
import { lambda } from './parameters';
import type { TaskMatrices } from './spectral';
import { addMeanOfTasks, addMergedMatrix, spectralWeight } from './spectral';

/**
 * Iso-C (Marczak et al. 2025, §4), as the authors' code. Directions in which no specialist moved
 * stay unmoved, where a plain SVD would pick arbitrary ones.
 */
export const isoC: MergeMethod = {
  id: 'iso_c',
  title: 'Iso-C',
  family: 'spectral',
  idea: 'Adds the changes of all specialists and then gives every direction of the sum the same strength. Weak skills become as strong as those that dominated the sum.',
  formula: 'Σ wᵢτᵢ = U·diag(σ)·Vᵀ,   W = B + λ·mean(σ)·U·Vᵀ',
  tex: '\\textstyle\\sum_i w_i \\tau_i = U\\, \\mathrm{diag}(\\sigma)\\, V^\\top, \\qquad W = B + \\lambda\\, \\bar\\sigma\\, U V^\\top',
  tryThis:
    'Move λ from 0.5 to 2: the authors tune it, and use about 1.5 for eight specialists. Too much makes weak, accidental directions loud.',
  source: {
    text: 'Marczak et al. 2025, No Task Left Behind, §4, Iso-C',
    url: 'https://arxiv.org/abs/2502.04959',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [spectralWeight, lambda],
  define: addMeanOfTasks,
  defineMatrix: addMergedMatrix(flattenSpectrum),
};

/** σ̄·U·Vᵀ of the sum of the task vectors. */
export async function flattenSpectrum(matrices: TaskMatrices): Promise<DenseMatrix> {
  const { algebra, tasks, rank, signal } = matrices;
  const sum = weightedSum(tasks);
  const directions = await algebra.polarFactor(sum, signal);
  // ⟨UVᵀ, UΣVᵀ⟩ is the sum of the singular values.
  const meanStrength = innerProduct(directions, sum) / rank;
  return weightedSum([directions], [meanStrength]);
}
