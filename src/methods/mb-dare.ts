import { div, lt, mul, named, perModel, random01, sumOverModels, toF32 } from '../expr/build';
import { includeEmbeddings, keepsEmbeddings, mergebenchDensity } from './mergebench';
import { mergebenchLambda, mergebenchUrl, mergebenchWeight, shareOf } from './mergebench';
import type { MergeMethod } from './method';
import { addToBase, taskVector } from './task-vector';

/**
 * DARE (Yu et al. 2024, eq. 2-4) with task arithmetic as MergeBench runs it: kept changes are divided
 * by the density itself (1 − p), where mergekit's `dare_linear` restores the L1 norm. MergeBench sets
 * no seed; ours makes a merge repeatable. mergekit has no such method, so masks are always the lab's.
 */
export const mbDare: MergeMethod = {
  id: 'mb_dare',
  title: 'DARE (MergeBench)',
  family: 'sparsified',
  idea: 'Drops a random part of every specialist’s changes and divides the rest by the share that is kept. On average over many seeds that is task arithmetic.',
  formula: 'mᵢ ~ Bernoulli(dᵢ),   W = B + λ·Σ wᵢ·mᵢ·τᵢ / dᵢ',
  tex: 'm_i \\sim \\mathrm{Bernoulli}(d_i), \\qquad W = B + \\lambda \\sum_i w_i \\frac{m_i \\tau_i}{d_i}',
  tryThis: 'Change the seed at a density of 0.1, then at 0.5: the scores vary less and less.',
  source: { text: 'He et al. 2025, MergeBench; Yu et al. 2024, eq. 2-4', url: mergebenchUrl },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    mergebenchWeight,
    mergebenchDensity(
      0.2,
      'The share of this specialist’s changes that is kept (MergeBench: 1 − p).',
    ),
    mergebenchLambda,
    includeEmbeddings,
  ],
  keepsBase: keepsEmbeddings,

  define: () => {
    const isKept = named('isKept', lt(random01(), perModel('density')));
    const kept = named('kept', mul(taskVector, toF32(isKept)));
    const rescaled = div(kept, perModel('density'));
    return {
      passes: [
        {
          kind: 'reduce',
          scope: 'tensor',
          reductions: {},
          then: (_, context) => {
            context.perModel['density']?.forEach((_density, model) => {
              shareOf('density', model, context);
            });
            return {};
          },
        },
      ],
      output: addToBase(sumOverModels(mul(perModel('weight'), rescaled))),
    };
  },
};
