import { LabError } from '../core/errors';
import { and, fromBits, isTop, magnitudeBits, min, named, not, sub, u32 } from '../expr/build';
import type {
  MethodOptions,
  MethodParameter,
  NumberParameter,
  PassContext,
  TopPass,
} from './method';
import { density, granularity, lambda, normalizeSwitch, rescaleSwitch, weight } from './parameters';
import type { Sparsified } from './sparsified';
import { sparsified } from './sparsified';
import { taskVector } from './task-vector';

/** The bits of the largest finite float32. */
const largestBits = 0x7f7fffff;

const gamma: NumberParameter = {
  name: 'gamma',
  symbol: 'γᵢ',
  scope: 'model',
  kind: 'number',
  default: 0.01,
  range: { min: 0, max: 0.5, step: 0.01 },
  meaning: 'The share of this specialist’s changes that is dropped for being too large.',
  larger: 'A larger value drops more of the largest changes; 0 drops none of them.',
};

/** Parameters of both methods of the name. */
export const breadcrumbsParameters: readonly MethodParameter[] = [
  weight,
  density,
  gamma,
  lambda,
  normalizeSwitch(false),
  rescaleSwitch(false),
  granularity,
];

/**
 * Drops the trunc(γᵢ·n) largest and the smallest of the rest until trunc(dᵢ·n) are left: the masks of
 * Model Breadcrumbs (Davari and Belilovsky 2024), per tensor or with `granularity: global` over the
 * whole model. Where both shares exceed n, fewer of the largest are dropped.
 *
 * As mergekit 0.1.4 but for one slip: there a tensor in which trunc(γᵢ·n) is 0, so any with γᵢ = 0,
 * loses all its changes. Here, as in mergekit 0.1.5, nothing is then dropped at the top.
 */
export function outlierTrim(options: MethodOptions): Sparsified {
  const pass = (name: string, keep: (counts: Counts) => number): TopPass => ({
    kind: 'top',
    scope: options['granularity'] === 'global' ? 'model' : 'tensor',
    name,
    of: smallness,
    ties: 'lowerIndexFirst',
    keep: (model, context) => keep(countsOf(model, context)),
  });
  return sparsified(
    and(isTop('withoutOutliers', smallness), not(isTop('crumbs', smallness))),
    [
      pass('withoutOutliers', ({ crumbs, kept }) => crumbs + kept),
      pass('crumbs', ({ crumbs }) => crumbs),
    ],
    options,
  );
}

/**
 * Orders magnitudes upside down, from the smallest as mergekit sorts them: of equal ones the lower
 * index counts as smaller. Infinity and NaN count as one, the largest.
 */
const smallness = named(
  'smallness',
  fromBits(sub(u32(largestBits), min(magnitudeBits(taskVector), u32(largestBits)))),
);

interface Counts {
  /** Dropped for being too small. */
  readonly crumbs: number;
  readonly kept: number;
}

function countsOf(model: number, { perModel, elementCount, subject }: PassContext): Counts {
  const density = perModel['density']?.[model] ?? 1;
  if (density >= 1) return { crumbs: 0, kept: elementCount };
  const share = perModel['gamma']?.[model] ?? 0;
  for (const [parameter, value] of Object.entries({ density, gamma: share })) {
    if (value >= 0 && value <= 1) continue;
    throw new LabError(
      'recipe/bad-value',
      `A ${parameter} of ${value} for model ${model + 1} is no share of ${subject}. ` +
        'Give a number from 0 to 1.',
      { details: { parameter, value, model, subject } },
    );
  }
  const kept = Math.trunc(density * elementCount);
  const outliers = Math.trunc(share * elementCount);
  return { crumbs: Math.max(0, elementCount - kept - outliers), kept };
}
