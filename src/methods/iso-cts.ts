import type { DenseMatrix } from '../linalg/dense-matrix';
import { norm, weightedSum } from '../linalg/dense-matrix';
import { negligibleShare } from '../linalg/linear-algebra';
import { joinTriples } from './join-triples';
import type { MergeMethod, NumberParameter } from './method';
import { lambda } from './parameters';
import type { TaskMatrices } from './spectral';
import { addMeanOfTasks, addMergedMatrix, spectralWeight } from './spectral';

const commonFraction: NumberParameter = {
  name: 'common_fraction',
  symbol: 'f',
  scope: 'method',
  kind: 'number',
  default: 0.8,
  range: { min: 0, max: 1, step: 0.05 },
  meaning: 'The share of directions taken from the sum of all changes.',
  larger: 'A larger value leaves fewer directions to what only one specialist learned.',
};

/** Iso-CTS (Marczak et al. 2025, §4), as the authors' code; see also `isoC`. */
export const isoCts: MergeMethod = {
  id: 'iso_cts',
  title: 'Iso-CTS',
  family: 'spectral',
  idea: 'As Iso-C, but the weakest directions of the sum make room for directions that matter to a single specialist. Common and special skills then get the same strength.',
  formula:
    'U, V = orth of the d strongest directions of every wᵢτᵢ outside the c strongest of Σ wᵢτᵢ, and of those c,   W = B + λ·mean(σ)·U·Vᵀ',
  tex: 'U_c S_c V_c^\\top \\approx \\textstyle\\sum_i w_i \\tau_i, \\quad U_i S_i V_i^\\top \\approx (I - U_c U_c^\\top)\\, w_i \\tau_i, \\quad W = B + \\lambda\\, \\bar\\sigma\\, \\mathrm{orth}[U_1 \\dots U_T\\, U_c]\\, \\mathrm{orth}[V_1 \\dots V_T\\, V_c]^\\top',
  tryThis: 'Lower f while many specialists are merged: each then keeps more directions of its own.',
  source: {
    text: 'Marczak et al. 2025, No Task Left Behind, §4, Iso-CTS',
    url: 'https://arxiv.org/abs/2502.04959',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [spectralWeight, lambda, commonFraction],
  define: addMeanOfTasks,
  defineMatrix: addMergedMatrix(mergeCommonAndSpecific, ['common_fraction']),
};

/** σ̄·Û·V̂ᵀ of common and task-specific directions; reads `common_fraction`. */
export async function mergeCommonAndSpecific(matrices: TaskMatrices): Promise<DenseMatrix> {
  const { algebra, tasks, rank, scalars, signal } = matrices;
  const [common, perTask] = splitRank(rank, tasks.length, scalars['common_fraction'] ?? 0.8);
  const shared = await algebra.leadingTriples(weightedSum(tasks), common, signal);
  const triples = [];
  for (const task of tasks) {
    const within = await algebra.multiply(shared.left, task);
    const explained = await algebra.multiply(shared.left, within, 'left');
    const rest = weightedSum([task, explained], [1, -1]);
    // What is explained up to rounding has no directions of its own.
    if (norm(rest) <= negligibleShare * norm(task)) continue;
    triples.push(await algebra.leadingTriples(rest, perTask, signal));
  }
  triples.push(shared);
  return joinTriples(matrices, triples, (strengths) => {
    const mean = strengths.reduce((sum, value) => sum + value, 0) / rank;
    return strengths.map(() => mean);
  });
}

/** How many directions are common, and how many each task adds; together at most `rank`. */
function splitRank(rank: number, taskCount: number, fraction: number): [number, number] {
  const share01 = Math.min(1, Math.max(0, fraction));
  const left = rank - Math.trunc(rank * share01);
  const perTask = Math.min(roundHalfEven(left / taskCount), Math.floor(rank / taskCount));
  return [rank - perTask * taskCount, perTask];
}

/** As Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const isDown = value - floor < 0.5 || (value - floor === 0.5 && floor % 2 === 0);
  return isDown ? floor : floor + 1;
}
