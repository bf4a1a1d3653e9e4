import type { ReducePass } from './method';
import { sumInF32 } from './sum-in-f32';

/**
 * Adds the scalar `weightDivisor`: Σ wᵢ in float32, or 1 when it is nearly zero. The bound 1e-8 is
 * mergekit's (0.1.4, task-vector methods without sign election).
 */
export const weightDivisor: ReducePass = {
  kind: 'reduce',
  scope: 'tensor',
  reductions: {},
  then: (_, { perModel }) => {
    const sum = sumInF32(perModel['weight'] ?? []);
    return { scalars: { weightDivisor: Math.abs(sum) < 1e-8 ? 1 : sum } };
  },
};
