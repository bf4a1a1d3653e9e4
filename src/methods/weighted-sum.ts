import { div, mul, named, perModel, scalar, sumOverModels } from '../expr/build';
import type { MethodDefinition, MethodOptions } from './method';
import type { Sparsified } from './sparsified';
import { addToBase } from './task-vector';
import { weightDivisor } from './weight-divisor';

/**
 * W = B + λ·Σ wᵢ·deltaᵢ, divided by Σ wᵢ with the option `normalize`: how mergekit 0.1.4 joins task
 * vectors without sign election. The sum goes over the specialists in the recipe's order.
 */
export function weightedSum(
  { passes, delta }: Sparsified,
  { normalize }: MethodOptions,
): MethodDefinition {
  const sum = named('sum', sumOverModels(mul(perModel('weight'), delta)));
  return normalize === true
    ? { passes: [...passes, weightDivisor], output: addToBase(div(sum, scalar('weightDivisor'))) }
    : { passes, output: addToBase(sum) };
}
