import {
  add,
  base,
  div,
  eq,
  f32,
  ge,
  isTop,
  mul,
  named,
  perModel,
  scalar,
  select,
  sign,
  specialist,
  sub,
  sumOverModels,
  toF32,
} from '../expr/build';
import { keptCount } from './kept-count';
import type { MergeMethod } from './method';
import { density, granularity, lambda, normalizeSwitch, weight } from './parameters';

/**
 * Trim, elect sign, disjoint merge (Yadav et al. 2023); as mergekit 0.1.4, dtype float32: the vote
 * is on weighted deltas, a tie elects plus, and trimmed entries do not vote.
 */
export const ties: MergeMethod = {
  id: 'ties',
  title: 'TIES',
  family: 'sparsified',
  idea: 'Keeps only the largest changes of every specialist, lets them vote on the sign of each weight, and merges those that agree with the winner.',
  formula:
    'Dᵢ = wᵢ·top_dᵢ(τᵢ),   σ = sign(Σ Dᵢ),   aᵢ = [sign Dᵢ = σ],   W = B + λ·Σ aᵢ·Dᵢ / Σ aᵢ·wᵢ',
  tex: 'D_i = w_i\\,\\mathrm{top}_{d_i}(\\tau_i), \\quad \\sigma = \\mathrm{sign}\\textstyle\\sum_i D_i, \\quad W = B + \\lambda \\frac{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, D_i}{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, w_i}',
  tryThis:
    'Lower the density until scores drop: often a fifth of the changes carries most of the skill.',
  source: {
    text: 'Yadav et al. 2023, TIES-Merging, Algorithm 1',
    url: 'https://arxiv.org/abs/2306.01708',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, density, lambda, normalizeSwitch(true), granularity],

  define: (options) => {
    const taskVector = named('taskVector', sub(specialist, base));
    const trimmed = named('trimmed', mul(taskVector, toF32(isTop('trim', taskVector))));
    const weighted = named('weighted', mul(perModel('weight'), trimmed));
    const vote = named('vote', sumOverModels(weighted));
    const elected = named('elected', select(ge(vote, f32(0)), f32(1), f32(-1)));
    const agrees = named('agrees', toF32(eq(sign(weighted), elected)));

    const sum = named('sum', sumOverModels(mul(weighted, agrees)));
    const weightSum = named('weightSum', sumOverModels(mul(perModel('weight'), agrees)));
    const divisor = select(eq(weightSum, f32(0)), f32(1), weightSum);
    const mixed = options['normalize'] === true ? div(sum, divisor) : sum;
    return {
      passes: [
        {
          kind: 'top',
          scope: options['granularity'] === 'global' ? 'model' : 'tensor',
          name: 'trim',
          of: taskVector,
          ties: 'lowerIndexFirst',
          keep: (model, context) => keptCount('density', model, context),
        },
      ],
      output: add(base, mul(mixed, scalar('lambda'))),
    };
  },
};
