import { fromBits, perModelU32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { PassContext, TopPass } from './method';

/**
 * Finds, for every specialist, the magnitude at the place `index` (from 0, cut to a whole number and
 * limited to places there are) when all |`of`| stand in ascending order: exactly, without sorting.
 * Read it by `quantile(name)`.
 */
export function quantilePass(
  name: string,
  scope: TopPass['scope'],
  of: Expr<'f32'>,
  index: (context: PassContext) => number,
): TopPass {
  return {
    kind: 'top',
    scope,
    name,
    of,
    ties: 'all',
    isQuantile: true,
    keep: (_, context) => {
      const { elementCount } = context;
      const place = Math.min(Math.max(Math.trunc(index(context)), 0), elementCount - 1);
      return elementCount === 0 ? 0 : elementCount - place;
    },
  };
}

/** What `quantilePass` found for the model at hand. */
export const quantile = (name: string): Expr<'f32'> => fromBits(perModelU32(`${name}.bits`));
