import {
  add,
  base,
  div,
  f32,
  isTop,
  max,
  mul,
  named,
  ne,
  perModel,
  sumOverModels,
  toF32,
} from '../expr/build';
import type { Expr } from '../expr/expr';
import type { MergeMethod, NumberParameter, PassContext, ReducePass } from './method';
import { agreement } from './sign-election';
import { sumInF32 } from './sum-in-f32';
import { taskVector } from './task-vector';
import { varianceOverModels } from './variance';

const selectTopk: NumberParameter = {
  name: 'select_topk',
  symbol: 'k',
  scope: 'method',
  kind: 'number',
  default: 1,
  range: { min: 0, max: 1, step: 0.05 },
  meaning: 'The share of positions that is kept: those where the specialists differ most.',
  larger: 'A larger value keeps positions on which the specialists hardly differ; 1 keeps all.',
};

/**
 * Select, calculate, erase (SCE of FuseChat, Wan et al. 2024): keeps the positions of a tensor where
 * the variance between specialists is largest, weighs every specialist by the energy of what is left,
 * and erases changes against the elected sign. As mergekit 0.1.4, dtype float32: of equal variances the
 * lower index is kept, and where the mean squares sum to less than 1e-6 all specialists weigh the
 * same, which is common for lightly tuned models. Where nothing is selected, as always with a single
 * specialist and `select_topk` below 1, the base stays; mergekit 0.1.4 then writes a tensor of a wrong
 * shape.
 */
export const sce: MergeMethod = {
  id: 'sce',
  title: 'SCE',
  family: 'sparsified',
  idea: 'Keeps the weights on which the specialists disagree most, and weighs each specialist by how much it changed there. Changes against the winning sign are erased.',
  formula:
    'v = Var(τ),   Dᵢ = top_k(v)·τᵢ,   cᵢ = mean(Dᵢ²) / Σ mean(D²),   aᵢ = [sign Dᵢ = sign Σ D],   W = B + Σ aᵢ·cᵢ·Dᵢ / Σ aᵢ·cᵢ',
  tex: 'D_i = [\\mathrm{Var}(\\tau) \\in \\mathrm{top}_k]\\, \\tau_i, \\quad c_i = \\frac{\\overline{D_i^2}}{\\sum_j \\overline{D_j^2}}, \\quad W = B + \\frac{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, c_i D_i}{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, c_i}',
  tryThis:
    'Lower select_topk to 0.1: SCE has no weights to set, so this one slider is all there is.',
  source: {
    text: 'Wan et al. 2024, FuseChat, SCE merging',
    url: 'https://arxiv.org/abs/2408.07990',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [selectTopk],
  isAverage: true,

  define: (_, { specialistCount }) => {
    const variance = named('variance', varianceOverModels(specialistCount));
    const selected = named('selected', mul(taskVector, toF32(isTop('select', variance))));
    const share = mul(perModel('share'), agreement(selected));
    const sum = named('sum', sumOverModels(mul(selected, share)));
    const shareSum = named('shareSum', sumOverModels(share));
    return {
      passes: [
        {
          kind: 'reduce',
          scope: 'tensor',
          reductions: { varied: { kind: 'count', of: ne(variance, f32(0)), perModel: false } },
          then: ({ varied }) => ({ scalars: { variedCount: varied?.[0] ?? 0 } }),
        },
        {
          kind: 'top',
          scope: 'tensor',
          name: 'select',
          of: variance,
          ties: 'lowerIndexFirst',
          keep: (_model, context) => selectedCount(context),
        },
        sharesOf(selected),
      ],
      output: add(base, div(sum, max(shareSum, f32(1e-6)))),
    };
  },
};

/** mergekit multiplies in float32, which matters above 2^24 elements. */
function selectedCount({ scalars, elementCount }: PassContext): number {
  const share = scalars['select_topk'] ?? 1;
  if (share >= 1) return elementCount;
  if (share <= 0) return 0;
  const product = Math.fround(scalars['variedCount'] ?? 0) * Math.fround(share);
  return Math.trunc(Math.fround(product));
}

function sharesOf(selected: Expr<'f32'>): ReducePass {
  return {
    kind: 'reduce',
    scope: 'tensor',
    reductions: { squares: { kind: 'sum', of: mul(selected, selected), perModel: true } },
    then: ({ squares = [] }, { elementCount }) => {
      const means = squares.map((sum) => Math.fround(sum / elementCount));
      const total = sumInF32(means);
      const share = means.map((mean) => (Math.abs(total) < 1e-6 ? 1 / means.length : mean / total));
      return { perModel: { share } };
    },
  };
}
