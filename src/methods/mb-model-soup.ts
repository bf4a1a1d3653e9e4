import { add, base, f32, mul, sumOverModels } from '../expr/build';
import { includeEmbeddings, keepsEmbeddings, mergebenchUrl } from './mergebench';
import type { MergeMethod } from './method';
import { taskVector } from './task-vector';

/**
 * MergeBench's model soup: the plain average of the specialists, except that embedding and head stay
 * the base's. Its repository runs it as task arithmetic with λ = 1/N.
 */
export const mbModelSoup: MergeMethod = {
  id: 'mb_model_soup',
  title: 'Model soup (MergeBench)',
  family: 'average',
  idea: 'Averages the specialists and leaves the embedding and the output head as they are in the base. It has nothing to tune and is the yardstick for all other methods.',
  formula: 'W = B + (1/N)·Σ τᵢ,   τᵢ = Wᵢ − B',
  tex: 'W = B + \\frac{1}{N} \\sum_i \\tau_i, \\qquad \\tau_i = W_i - B',
  tryThis: 'Take its scores as the floor that a method with parameters has to beat.',
  source: {
    text: 'He et al. 2025, MergeBench; Wortsman et al. 2022, Model soups, §2',
    url: mergebenchUrl,
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [includeEmbeddings],
  isAverage: true,
  keepsBase: keepsEmbeddings,

  define: (_, { specialistCount }) => ({
    passes: [],
    output: add(base, mul(sumOverModels(taskVector), f32(1 / specialistCount))),
  }),
};
