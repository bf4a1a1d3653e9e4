import { div, mul, named, perModel, scalar, specialist, sumOverModels } from '../expr/build';
import type { MergeMethod } from './method';
import { normalizeSwitch, weight } from './parameters';
import { sumInF32 } from './sum-in-f32';

/** Weighted average of whole models (Wortsman et al. 2022); as mergekit 0.1.4, dtype float32. */
export const linear: MergeMethod = {
  id: 'linear',
  title: 'Linear (model soup)',
  family: 'average',
  idea: 'Averages the models weight by weight. Models that were tuned from one base often lie close enough together for their average to work.',
  formula: 'W = Σ wᵢ·Wᵢ / Σ wᵢ   (without the division when normalize is off)',
  tex: 'W = \\frac{\\sum_i w_i W_i}{\\sum_i w_i}',
  tryThis:
    'Give one model twice the weight of the others and watch its domain rise while the rest fall.',
  source: {
    text: 'Wortsman et al. 2022, Model soups, eq. in §2',
    url: 'https://arxiv.org/abs/2203.05482',
  },
  base: 'none',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, normalizeSwitch(true)],
  isAverage: true,

  define: ({ normalize }) => {
    const sum = named('sum', sumOverModels(mul(perModel('weight'), specialist)));
    return {
      // A weight sum of zero gives infinities, as in mergekit; the recipe check warns before.
      passes: [
        {
          kind: 'reduce',
          scope: 'tensor',
          reductions: {},
          then: (_, { perModel: numbers }) => ({
            scalars: { weightSum: sumInF32(numbers['weight'] ?? []) },
          }),
        },
      ],
      output: normalize === true ? div(sum, scalar('weightSum')) : sum,
    };
  },
};
