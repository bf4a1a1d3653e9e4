import { LabError } from '../core/errors';
import { add, columnOf, div, isKept, lt, mul, named, perModel, scalar } from '../expr/build';
import type {
  MethodInputs,
  MethodOptions,
  NumberParameter,
  PassContext,
  RankPass,
  ReducePass,
} from './method';
import { rowLengthOf } from './row-length';
import type { Sparsified } from './sparsified';
import { sparsified } from './sparsified';
import { taskVector } from './task-vector';
import { uniform } from './uniform';

export const epsilon: NumberParameter = {
  name: 'epsilon',
  symbol: 'εᵢ',
  scope: 'model',
  kind: 'number',
  default: 0.15,
  range: { min: 0, max: 0.45, step: 0.05 },
  meaning:
    'How far the chance of being kept lies above the density for the largest change of a row.',
  larger: 'A larger value favours large changes more; 0 is the plain random drop of DARE.',
};

/**
 * MAGPRUNE of DELLA (Deep et al. 2024): mᵢ ~ Bernoulli(pᵢ), where pᵢ rises with the rank of |τᵢ|
 * within its row, pᵢ = dᵢ − εᵢ + 2·εᵢ·rank / (n − 1), rank 0 being the smallest of n.
 *
 * As mergekit 0.1.4. The paper divides every kept change by its own pᵢ; mergekit rescales the tensor
 * by one factor. mergekit ranks along the second axis, which is the last one of a matrix; tensors of
 * three axes are ranked along the last one here.
 * @throws LabError `recipe/bad-value` for a chance outside (0, 1) or rows of a single element
 */
export function magnitudeDrop(options: MethodOptions, inputs: MethodInputs): Sparsified {
  const { passes, value } = uniform(inputs, (density) => density > 0 && density < 1);
  const place = named('place', div(columnOf('rank'), scalar('lastRank')));
  const chance = add(mul(place, perModel('chanceSpread')), perModel('lowestChance'));
  const rank: RankPass = {
    kind: 'rank',
    scope: 'tensor',
    name: 'rank',
    of: taskVector,
    keeps: lt(value, named('chance', chance)),
  };
  return sparsified(named('isKept', isKept('rank')), [chances, ...passes, rank], options);
}

/** Turns densities into chances; 1 and above keep everything, 0 and below nothing. */
const chances: ReducePass = {
  kind: 'reduce',
  scope: 'tensor',
  reductions: {},
  then: (_, context) => {
    const densities = context.perModel['density'] ?? [];
    const isMixed = densities.map((density) => density > 0 && density < 1);
    const spreads = isMixed.map((is, model) => {
      if (!is) return 0;
      return 2 * checkedEpsilon(densities[model] ?? 1, model, context);
    });
    const lowest = densities.map((density, model) =>
      Math.min(1, Math.max(0, density - (spreads[model] ?? 0) / 2)),
    );
    const lastRank = Math.max(1, rowLengthOf(context.shape) - 1);
    return {
      scalars: { lastRank },
      perModel: { lowestChance: lowest, chanceSpread: spreads },
    };
  },
};

function checkedEpsilon(density: number, model: number, context: PassContext): number {
  const { subject, shape, elementCount } = context;
  const value = context.perModel['epsilon']?.[model] ?? 0;
  if (density + value >= 1 || density - value <= 0) {
    throw new LabError(
      'recipe/bad-value',
      `An epsilon of ${value} around the density of ${density} for model ${model + 1} leaves the ` +
        `chances between 0 and 1 at ${subject}. Choose an epsilon below ` +
        `${Number(Math.min(density, 1 - density).toFixed(6))}.`,
      { details: { parameter: 'epsilon', value, density, model, subject } },
    );
  }
  if (elementCount > 0 && rowLengthOf(shape) === 1) {
    throw new LabError(
      'recipe/bad-value',
      `DELLA ranks the changes within a row, and ${subject} has rows of one element. Set the ` +
        'density for this tensor to 1 with a filter.',
      { details: { parameter: 'density', value: density, model, subject } },
    );
  }
  return value;
}
