import {
  add,
  base,
  mul,
  named,
  perModel,
  specialist,
  specialistAt,
  sub,
  sumOverModels,
} from '../expr/build';
import type { Expr } from '../expr/expr';
import { GramMatrix, pairProducts } from './gram-matrix';
import type { MethodDefinition, MethodInputs, PassContext, ReducePass } from './method';
import { taskVector } from './task-vector';

/** One pass over a tensor, and then whatever follows from the dot products of `vectors`. */
export function gramPass(
  vectors: readonly Expr<'f32'>[],
  then: (gram: GramMatrix, context: PassContext) => ReturnType<ReducePass['then']>,
): ReducePass {
  const reductions = Object.entries(pairProducts(vectors)).map(
    ([name, of]) => [name, { kind: 'sum', of, perModel: false }] as const,
  );
  return {
    kind: 'reduce',
    scope: 'tensor',
    reductions: Object.fromEntries(reductions),
    then: (totals, context) => {
      const sums = Object.entries(totals).map(([name, [sum = 0]]) => [name, sum] as const);
      return then(new GramMatrix(vectors.length, Object.fromEntries(sums)), context);
    },
  };
}

/** Xᵢ of every specialist: Wᵢ − B with a base, else Wᵢ. */
export function modelVectors({ specialistCount, hasBase }: MethodInputs): Expr<'f32'>[] {
  return Array.from({ length: specialistCount }, (_, model) =>
    hasBase ? sub(specialistAt(model), base) : specialistAt(model),
  );
}

/** W = B + Σ cᵢ·(Wᵢ − B) with a base, else Σ cᵢ·Wᵢ. */
export function combination(coefficient: Expr<'f32'>, { hasBase }: MethodInputs): Expr<'f32'> {
  const vector = hasBase ? taskVector : specialist;
  const sum = named('sum', sumOverModels(mul(coefficient, vector)));
  return hasBase ? add(base, sum) : sum;
}

/**
 * A method whose result is a linear combination of the Xᵢ, whole tensors seen as vectors, with
 * coefficients that follow from their dot products.
 */
export function combineModels(
  inputs: MethodInputs,
  coefficients: (gram: GramMatrix, context: PassContext) => readonly number[],
): MethodDefinition {
  return {
    passes: [
      gramPass(modelVectors(inputs), (gram, context) => ({
        perModel: { coefficient: coefficients(gram, context) },
      })),
    ],
    output: combination(perModel('coefficient'), inputs),
  };
}
