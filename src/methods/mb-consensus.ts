import {
  abs,
  f32,
  ge,
  gt,
  mul,
  named,
  perModel,
  scalar,
  select,
  sub,
  sumOverModels,
  toF32,
} from '../expr/build';
import {
  includeEmbeddings,
  keepsEmbeddings,
  mergebenchLambda,
  mergebenchUrl,
  mergebenchWeight,
} from './mergebench';
import type { MergeMethod } from './method';
import { addToBase, taskVector } from './task-vector';

/**
 * Consensus task arithmetic (Wang et al. 2024, TALL-masks) as MergeBench describes it. Its published
 * merge fixes every λᵢ at 0.2, our default; the authors choose each on its own task from 0.2 to 0.6.
 * k = 0 is plain task arithmetic.
 */
export const mbConsensus: MergeMethod = {
  id: 'mb_consensus',
  title: 'Consensus (MergeBench)',
  family: 'sparsified',
  idea: 'Asks for every weight which specialists need it, and keeps its change only if at least k of them do. This removes changes that serve one specialist at the expense of all others.',
  formula: 'Dᵢ = wᵢ·τᵢ,   D = Σ Dᵢ,   mᵢ = [|Dᵢ| > λᵢ·|D − Dᵢ|],   W = B + λ·[Σ mᵢ ≥ k]·D',
  tex: 'D_i = w_i \\tau_i, \\quad D = \\sum_i D_i, \\quad m_i = [\\,|D_i| > \\lambda_i |D - D_i|\\,], \\qquad W = B + \\lambda\\, [\\textstyle\\sum_i m_i \\ge k]\\, D',
  tryThis: 'Compare k of 1, 2 and 3: each step leaves out changes that fewer specialists share.',
  source: {
    text: 'Wang et al. 2024, Localizing task information (TALL-masks); He et al. 2025, MergeBench',
    url: mergebenchUrl,
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    mergebenchWeight,
    {
      name: 'mask_lambda',
      symbol: 'λᵢ',
      scope: 'model',
      kind: 'number',
      default: 0.2,
      range: { min: 0, max: 1, step: 0.05 },
      meaning: 'How large a change must be, next to all others together, to count as needed.',
      larger: 'A larger value lets this specialist vote for fewer weights.',
    },
    {
      name: 'k',
      symbol: 'k',
      scope: 'method',
      kind: 'number',
      default: 2,
      range: { min: 0, max: 12, step: 1 },
      meaning: 'How many specialists must need a weight for its change to be kept.',
      larger: 'A larger value keeps fewer changes, those that more specialists agree on.',
    },
    mergebenchLambda,
    includeEmbeddings,
  ],
  keepsBase: keepsEmbeddings,

  define: () => {
    const weighted = named('weighted', mul(perModel('weight'), taskVector));
    const sum = named('sum', sumOverModels(weighted));
    const others = mul(perModel('mask_lambda'), abs(sub(sum, weighted)));
    const isNeeded = named('isNeeded', gt(abs(weighted), others));
    const votes = named('votes', sumOverModels(toF32(isNeeded)));
    return { passes: [], output: addToBase(select(ge(votes, scalar('k')), sum, f32(0))) };
  },
};
