import type { DenseMatrix } from '../linalg/dense-matrix';
import { norm, stackRows, weightedSum } from '../linalg/dense-matrix';
import type { MergeMethod, NumberParameter } from './method';
import { lambda } from './parameters';
import type { TaskMatrices } from './spectral';
import { addMeanOfTasks, addMergedMatrix, spectralWeight } from './spectral';

const steps: NumberParameter = {
  name: 'steps',
  symbol: 'n',
  scope: 'method',
  kind: 'number',
  default: 300,
  range: { min: 0, max: 1000, step: 10 },
  meaning: 'How many steps of Adam reduce the interference; 0 leaves the plain sum.',
  larger: 'A larger value moves further from the sum of the changes, and takes longer.',
};

const learningRate: NumberParameter = {
  name: 'learning_rate',
  symbol: 'η',
  scope: 'method',
  kind: 'number',
  default: 1e-5,
  range: { min: 0, max: 1e-4, step: 1e-6 },
  meaning: 'About how far one step moves every weight.',
  larger: 'A larger value moves further from the sum of the changes in the same time.',
};

/**
 * WUDI-Merging (Cheng et al. 2025), 300 steps as the authors. Their loss is a quadratic, so
 * two products made once give its gradient by one product a step: ∇L(τ) = R + (τ − Στᵢ)·H. Other
 * tensors get the mean change, as in FusionBench.
 */
export const wudi: MergeMethod = {
  id: 'wudi',
  title: 'WUDI-Merging',
  family: 'spectral',
  idea: 'Starts from the sum of all changes and moves it a little, so that it answers to the inputs of each specialist as that specialist would. The changes themselves stand in for the inputs, so no data are needed.',
  formula:
    'minimise Σᵢ ‖(τ − wᵢτᵢ)·wᵢτᵢᵀ‖² / ‖wᵢτᵢ‖² from τ = Σ wᵢτᵢ by n steps of Adam at rate η,   W = B + λ·τ',
  tex: '\\tau = \\arg\\min \\sum_i \\frac{\\lVert (\\tau - w_i\\tau_i)\\, w_i\\tau_i^\\top \\rVert_F^2}{\\lVert w_i\\tau_i \\rVert_F^2} \\text{ near } \\textstyle\\sum_i w_i\\tau_i, \\qquad W = B + \\lambda\\, \\tau',
  tryThis:
    'Compare n of 0, which is plain task arithmetic here, with 300. It is the slowest method without a graphics device.',
  source: {
    text: 'Cheng et al. 2025, Whoever Started the Interference Should End It',
    url: 'https://arxiv.org/abs/2503.08099',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [spectralWeight, lambda, steps, learningRate],
  define: addMeanOfTasks,
  defineMatrix: addMergedMatrix(reduceInterference, ['steps', 'learning_rate']),
};

/** The sum of the task vectors after Adam’s steps; reads `steps` and `learning_rate`. */
export async function reduceInterference(matrices: TaskMatrices): Promise<DenseMatrix> {
  const { algebra, scalars, signal } = matrices;
  const sum = weightedSum(matrices.tasks);
  const tasks = matrices.tasks.filter((task) => norm(task) > 0);
  if (tasks.length === 0) return sum;

  // With Tᵢ = √2·τᵢ/‖τᵢ‖: R = Σ (Στⱼ − τᵢ)·TᵢᵀTᵢ and H = Σ TᵢᵀTᵢ.
  const unit = tasks.map((task) => weightedSum([task], [Math.SQRT2 / norm(task)]));
  const pulls = [];
  for (const [index, task] of tasks.entries()) {
    const others = weightedSum([sum, task], [1, -1]);
    const direction = unit[index] ?? task;
    const overlap = await algebra.multiply(others, direction, 'right');
    pulls.push(await algebra.multiply(overlap, direction));
    signal?.throwIfAborted();
  }
  const stacked = stackRows(unit, sum.columnCount);
  const moved = await algebra.descend(
    {
      gradient: weightedSum(pulls),
      curvature: await algebra.multiply(stacked, stacked, 'left'),
      stepCount: Math.max(0, Math.round(scalars['steps'] ?? 300)),
      learningRate: scalars['learning_rate'] ?? 1e-5,
    },
    signal,
  );
  return weightedSum([sum, moved]);
}
