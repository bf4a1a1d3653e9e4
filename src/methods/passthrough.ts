import { mul, perModel, specialistAt } from '../expr/build';
import type { MergeMethod } from './method';

/** Copies one model; as mergekit 0.1.4. Layers of several models are stacked by a recipe's `slices`. */
export const passthrough: MergeMethod = {
  id: 'passthrough',
  title: 'Passthrough',
  family: 'average',
  idea: 'Takes the tensors of one model as they are. With slices in the recipe, layers of different models, or the same layers twice, become one deeper model.',
  formula: 'W = sᵢ·Wᵢ   (W = Wᵢ without scale)',
  tex: 'W = s_i W_i',
  tryThis:
    'Repeat a few middle layers in the recipe’s slices, with scale 0 for o_proj and down_proj in the copies.',
  source: {
    text: 'Kim et al. 2024, SOLAR 10.7B (depth up-scaling); mergekit 0.1.4',
    url: 'https://arxiv.org/abs/2312.15166',
  },
  base: 'none',
  specialistCount: { min: 1, max: 1 },
  parameters: [
    {
      name: 'scale',
      symbol: 'sᵢ',
      scope: 'model',
      kind: 'number',
      whenAbsent: 'The tensors are copied unchanged.',
      range: { min: 0, max: 2, step: 0.05 },
      meaning: 'A factor for the tensors, usually for those of a filter such as o_proj.',
      larger: 'A larger value strengthens what the tensors do; 0 switches them off.',
    },
  ],

  define: () => ({
    passes: [
      {
        kind: 'reduce',
        scope: 'tensor',
        reductions: {},
        then: (_, { perModel: { scale = [1] } }) => ({ perModel: { factor: scale } }),
      },
    ],
    output: mul(perModel('factor'), specialistAt(0)),
  }),
};
