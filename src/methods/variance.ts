import { add, base, div, f32, mul, specialistAt, sub } from '../expr/build';
import type { Expr } from '../expr/expr';

/**
 * Population variance of the task vectors between the models, Σ (τᵢ − τⱼ)² / N² over pairs: exactly 0
 * where all are equal, and with fewer roundings than by way of a mean.
 */
export function varianceOverModels(specialistCount: number): Expr<'f32'> {
  const tau = Array.from({ length: specialistCount }, (_, model) => sub(specialistAt(model), base));
  const squares = tau.flatMap((one, model) =>
    tau.slice(model + 1).map((other) => {
      const apart = sub(one, other);
      return mul(apart, apart);
    }),
  );
  const sum = squares.reduce((soFar, square) => add(soFar, square), f32(0));
  return div(sum, f32(specialistCount ** 2));
}
