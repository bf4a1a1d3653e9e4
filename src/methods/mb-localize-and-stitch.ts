import {
  add,
  base,
  div,
  eq,
  f32,
  isTop,
  mul,
  named,
  perModel,
  select,
  sumOverModels,
  toF32,
} from '../expr/build';
import { includeEmbeddings, keepsEmbeddings, mergebenchDensity } from './mergebench';
import { mergebenchUrl, mergebenchWeight, shareOf } from './mergebench';
import type { MergeMethod } from './method';
import { taskVector } from './task-vector';

/**
 * Dataless Localize-and-Stitch (He, Hu, Lin, Zhang and Zhao 2024): masks are the largest changes of a
 * specialist in the whole model, ties included, and overlapping masks are averaged. There is no scaling.
 * Averages over all masks as the authors' own repository does; MergeBench's code counts only the last
 * overlapping one and reads later task vectors from a base it has already changed. A `weight` decides
 * the share in an overlap; where one specialist stands alone it cancels.
 */
export const mbLocalizeAndStitch: MergeMethod = {
  id: 'mb_localize_and_stitch',
  title: 'Localize-and-Stitch (dataless)',
  family: 'sparsified',
  idea: 'Finds the small region of the whole model where each specialist changed most, and carries just these regions over to the base. Where regions overlap, their changes are averaged.',
  formula: 'mᵢ = top_dᵢ(|τᵢ|) over all tensors,   W = B + Σ wᵢ·mᵢ·τᵢ / Σ wᵢ·mᵢ',
  tex: 'm_i = \\mathrm{top}_{d_i}(\\lvert\\tau_i\\rvert), \\qquad W = B + \\frac{\\sum_i w_i m_i \\tau_i}{\\sum_i w_i m_i}',
  tryThis:
    'Double the density from 0.05 until the domains stop rising: what is left over is forgetting avoided.',
  source: {
    text: 'He et al. 2025, MergeBench; Localize-and-Stitch, dataless form',
    url: mergebenchUrl,
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    mergebenchWeight,
    mergebenchDensity(
      0.1,
      'The share of this specialist’s changes that is carried over (MergeBench: sparsity).',
    ),
    includeEmbeddings,
  ],
  keepsBase: keepsEmbeddings,

  define: () => {
    const mask = named('mask', mul(perModel('weight'), toF32(isTop('localize', taskVector))));
    const sum = named('sum', sumOverModels(mul(mask, taskVector)));
    const overlap = named('overlap', sumOverModels(mask));
    return {
      passes: [
        {
          kind: 'top',
          scope: 'model',
          name: 'localize',
          of: taskVector,
          ties: 'all',
          keep: (model, context) => {
            const share = shareOf('density', model, context);
            return Math.min(
              context.elementCount,
              Math.max(1, Math.floor(share * context.elementCount)),
            );
          },
        },
      ],
      output: add(base, div(sum, select(eq(overlap, f32(0)), f32(1), overlap))),
    };
  },
};
