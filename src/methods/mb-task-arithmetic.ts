import { mul, named, perModel, sumOverModels } from '../expr/build';
import {
  includeEmbeddings,
  keepsEmbeddings,
  mergebenchLambda,
  mergebenchUrl,
  mergebenchWeight,
} from './mergebench';
import type { MergeMethod } from './method';
import { addToBase, taskVector } from './task-vector';

/** MergeBench's task arithmetic: one λ for all specialists; embedding and head stay the base's. */
export const mbTaskArithmetic: MergeMethod = {
  id: 'mb_task_arithmetic',
  title: 'Task arithmetic (MergeBench)',
  family: 'task-vectors',
  idea: 'Adds up what all specialists learned and scales the sum by one factor for the whole model. The embedding and the output head stay those of the base.',
  formula: 'W = B + λ·Σ wᵢ·τᵢ,   τᵢ = Wᵢ − B',
  tex: 'W = B + \\lambda \\sum_i w_i \\tau_i, \\qquad \\tau_i = W_i - B',
  tryThis:
    'Move λ from 1/N, where it is a model soup, towards 1; MergeBench’s example is 0.4 for five specialists.',
  source: {
    text: 'He et al. 2025, MergeBench; Ilharco et al. 2023, Editing models with task arithmetic, §2',
    url: mergebenchUrl,
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [mergebenchWeight, mergebenchLambda, includeEmbeddings],
  keepsBase: keepsEmbeddings,

  define: () => {
    const sum = named('sum', sumOverModels(mul(perModel('weight'), taskVector)));
    return { passes: [], output: addToBase(sum) };
  },
};
