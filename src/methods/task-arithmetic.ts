import type { MergeMethod } from './method';
import { lambda, normalizeSwitch, weight } from './parameters';
import { wholeTaskVectors } from './sparsified';
import { weightedSum } from './weighted-sum';

/** Sum of task vectors (Ilharco et al. 2023); as mergekit 0.1.4, dtype float32. */
export const taskArithmetic: MergeMethod = {
  id: 'task_arithmetic',
  title: 'Task arithmetic',
  family: 'task-vectors',
  idea: 'What a specialist learned is its difference from the base, its task vector. Adding several task vectors to the base adds their skills.',
  formula: 'W = B + λ·Σ wᵢ·τᵢ,   τᵢ = Wᵢ − B   (normalize: divided by Σ wᵢ)',
  tex: 'W = B + \\lambda \\sum_i w_i \\tau_i, \\qquad \\tau_i = W_i - B',
  tryThis:
    'Move all weights together from 0 to 1: the skills come in one after another, then the sum gets too large and all of them break.',
  source: {
    text: 'Ilharco et al. 2023, Editing models with task arithmetic, §2',
    url: 'https://arxiv.org/abs/2212.04089',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, lambda, normalizeSwitch(false)],

  define: (options) => weightedSum(wholeTaskVectors, options),
};
