import {
  abs,
  div,
  eq,
  f32,
  fold,
  gt,
  isTop,
  max,
  mul,
  named,
  perModel,
  scalar,
  select,
  sign,
  sumOverModels,
  toF32,
} from '../expr/build';
import type { Expr } from '../expr/expr';
import { includeEmbeddings, keepsEmbeddings, mergebenchDensity } from './mergebench';
import { mergebenchLambda, mergebenchUrl, mergebenchWeight, shareOf } from './mergebench';
import type { ChoiceParameter, MergeMethod, PassContext } from './method';
import { addToBase, taskVector } from './task-vector';

const mergeFunc: ChoiceParameter = {
  name: 'merge_func',
  symbol: 'f',
  scope: 'method',
  kind: 'choice',
  default: 'sum',
  choices: ['sum', 'mean', 'max'],
  meaning: 'How the changes that agree with the winner become one.',
  larger: 'A sum grows with every specialist, a mean does not, and max takes the largest alone.',
};

/**
 * TIES (Yadav et al. 2023, Algorithm 1) as MergeBench runs it. Unlike mergekit's `ties` it ranks the
 * whole model as one vector, keeps one change more than the share and all that tie with it, breaks a
 * tied vote by the majority of all signs, and sums by default. A density of 1, which MergeBench's code
 * cannot do, keeps everything.
 */
export const mbTies: MergeMethod = {
  id: 'mb_ties',
  title: 'TIES (MergeBench)',
  family: 'sparsified',
  idea: 'Keeps the largest changes of every specialist in the whole model, so that layers that changed much keep more. The rest vote on the sign of each weight, and those that agree with the winner are summed.',
  formula:
    'Dᵢ = wᵢ·top_dᵢ(τᵢ) over all tensors,   s = sign(Σ Dᵢ) or the majority of all signs,   W = B + λ·f{Dᵢ : sign Dᵢ = s}',
  tex: 'D_i = w_i\\,\\mathrm{top}_{d_i}(\\tau_i), \\quad s = \\mathrm{sign}\\textstyle\\sum_i D_i, \\quad W = B + \\lambda\\, f\\{D_i : \\mathrm{sign} D_i = s\\}',
  tryThis: 'Begin at density 0.3 and lambda 0.4; with mean instead of sum, a lambda near 1 fits.',
  source: {
    text: 'He et al. 2025, MergeBench; Yadav et al. 2023, Algorithm 1',
    url: mergebenchUrl,
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    mergebenchWeight,
    mergebenchDensity(0.2, 'The share of this specialist’s changes that is kept (MergeBench: K).'),
    mergebenchLambda,
    mergeFunc,
    includeEmbeddings,
  ],
  keepsBase: keepsEmbeddings,

  define: ({ merge_func: how }) => {
    const trimmed = named('trimmed', mul(taskVector, toF32(isTop('trim', taskVector))));
    const weighted = named('weighted', mul(perModel('weight'), trimmed));
    const vote = named('vote', sign(sumOverModels(weighted)));
    const elected = named('elected', select(eq(vote, f32(0)), scalar('majority'), vote));
    // MergeBench counts an elected 0 as minus.
    const side = named('side', select(gt(elected, f32(0)), f32(1), f32(-1)));
    const agrees = named('agrees', toF32(eq(sign(weighted), side)));
    const winner = named('winner', mul(weighted, agrees));
    return {
      passes: [
        { kind: 'top', scope: 'model', name: 'trim', of: taskVector, ties: 'all', keep: keptCount },
        {
          kind: 'reduce',
          scope: 'model',
          reductions: { signs: { kind: 'sum', of: vote, perModel: false } },
          then: ({ signs }) => ({ scalars: { majority: Math.sign(signs?.[0] ?? 0) } }),
        },
      ],
      output: addToBase(
        how === 'max' ? mul(largest(winner), elected) : summed(winner, agrees, how),
      ),
    };
  },
};

/** MergeBench keeps what reaches the magnitude after the last of the share. */
function keptCount(model: number, context: PassContext): number {
  const { elementCount } = context;
  const share = shareOf('density', model, context);
  return Math.min(elementCount, Math.floor(share * elementCount) + 1);
}

function largest(winner: Expr<'f32'>): Expr<'f32'> {
  return fold(f32(0), (soFar) => max(soFar, abs(winner)));
}

function summed(
  winner: Expr<'f32'>,
  agrees: Expr<'f32'>,
  how: boolean | string | undefined,
): Expr<'f32'> {
  const sum = named('sum', sumOverModels(winner));
  return how === 'mean' ? div(sum, max(sumOverModels(agrees), f32(1))) : sum;
}
