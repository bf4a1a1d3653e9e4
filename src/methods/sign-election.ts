import {
  div,
  eq,
  f32,
  ge,
  gt,
  mul,
  named,
  perModel,
  select,
  sumOverModels,
  toF32,
} from '../expr/build';
import type { Expr } from '../expr/expr';
import type { MethodDefinition, MethodOptions } from './method';
import type { Sparsified } from './sparsified';
import { addToBase } from './task-vector';

/**
 * 1 where the model at hand has the sign of the vote Σ `delta`, else 0. A vote of zero elects plus,
 * and a delta of zero agrees with nobody (mergekit 0.1.4).
 */
export function agreement(delta: Expr<'f32'>): Expr<'f32'> {
  const vote = named('vote', sumOverModels(delta));
  const elected = named('elected', select(ge(vote, f32(0)), f32(1), f32(-1)));
  return named('agrees', toF32(gt(mul(delta, elected), f32(0))));
}

/**
 * Elect sign and disjoint merge (Yadav et al. 2023, Algorithm 1, steps 2 and 3):
 * W = B + λ·Σ aᵢ·Dᵢ / Σ aᵢ·wᵢ with Dᵢ = wᵢ·deltaᵢ and aᵢ = [sign Dᵢ = sign Σ D]; without the option
 * `normalize` the division is left out.
 *
 * As mergekit 0.1.4, where peers differ: the paper votes on deltas without weights and divides by the
 * number of those that agree, MergeBench (`mb_ties`) breaks a tied vote by the majority of all signs.
 */
export function signElection(
  { passes, delta }: Sparsified,
  { normalize }: MethodOptions,
): MethodDefinition {
  const weighted = named('weighted', mul(perModel('weight'), delta));
  const agrees = agreement(weighted);
  const sum = named('sum', sumOverModels(mul(weighted, agrees)));
  if (normalize !== true) return { passes, output: addToBase(sum) };
  const weightSum = named('weightSum', sumOverModels(mul(perModel('weight'), agrees)));
  const divisor = select(eq(weightSum, f32(0)), f32(1), weightSum);
  return { passes, output: addToBase(div(sum, divisor)) };
}
