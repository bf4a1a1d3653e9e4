import { elementCountOf } from '../../../src/core/dtype';
import type { Difference } from './compare-tensors';
import type { Golden, GoldenTensors } from './golden-merges';

/**
 * What a merge may differ by.
 *
 * - `elementwise`: the same float32 operations in the same order, so the same bits, up to one unit in
 *   the last place in one element of a thousand.
 * - `normed`: one factor per tensor (a norm, a dot product, an L1 ratio, a mean of squares) comes from
 *   a sum over the tensor. Ours is taken in float64, the peer's in float32 in the order of the
 *   machine's vectors, so factors differ by a few 2^-24, and so do results, measured against the
 *   tensor's largest magnitude: near zero a sum of opposite terms has no last place to speak of.
 *   Rounded to 16 bits this vanishes, and the rule of `elementwise` holds again.
 * - `selected`: a threshold taken from such a sum decides which elements change; one element of a
 *   thousand may fall on the other side.
 */
export type Tolerance = 'elementwise' | 'normed' | 'selected';

const normed = /^(slerp|nuslerp|multislerp|karcher|model_stock|sce|dare_|della)/;
/** 16 units of float32, seen at most 5: sums over a few hundred elements. */
const normedLimit = 2 ** -20;

/** Where the factor itself is ill-conditioned. */
const wider: Readonly<Record<string, number>> = {
  // One element per tensor: the mean cosine is ±1 or near -1/2, where t = Nc / (1 + (N-1)c) blows up.
  'model_stock/one': 2 ** -18,
};

/** Shares of elements that may fall on the other side of a threshold; one in a thousand elsewhere. */
const selectedShares: Readonly<Record<string, number>> = {
  // Variances that are equal in exact arithmetic are not in float32, and the peer sums in its own order.
  'sce/topk-equal': 0.05,
};

export function toleranceOf({ id, recipe }: Golden): Tolerance {
  const method = /merge_method: (\w+)/.exec(recipe)?.[1] ?? '';
  if (method === 'arcee_fusion' || id in selectedShares) return 'selected';
  const rescales = /rescale: true/.test(recipe);
  return normed.test(method) || rescales ? 'normed' : 'elementwise';
}

/** Why a merge is not the golden's; undefined when it is, within its tolerance. */
export function complaint(
  golden: Golden,
  difference: Difference,
  dtypes: ReadonlySet<string>,
): string | undefined {
  const { elementCount, differingCount, largestUlps, largestRelative, worst } = difference;
  const tolerance = toleranceOf(golden);
  const shown = `${differingCount} of ${elementCount} differ, at most ${largestUlps} ulps or ${largestRelative} of the largest: ${worst}`;
  if (tolerance === 'normed' && dtypes.has('F32')) {
    return largestRelative <= (wider[golden.id] ?? normedLimit) ? undefined : shown;
  }
  if (differingCount > elementCount * (selectedShares[golden.id] ?? 0.001)) return shown;
  return tolerance === 'selected' || largestUlps <= 1 ? undefined : shown;
}

/**
 * The golden tensors without those in which we differ on purpose:
 *
 * - With gamma · n below 1 mergekit's breadcrumbs keeps nothing at all (its slice ends at "minus
 *   zero"); ours drops no outlier.
 * - Where SCE selects nothing, mergekit writes the models' number as a further axis, [3, n, m] for
 *   [n, m], which no loader takes; ours is the base.
 */
export function withoutDeviations({ recipe }: Golden, tensors: GoldenTensors): GoldenTensors {
  const gammas = [...recipe.matchAll(/gamma: ([\d.]+)/g)].map(([, text]) => Number(text));
  const dropsOutliers = (shape: readonly number[]): boolean =>
    gammas.every((gamma) => Math.trunc(gamma * elementCountOf(shape)) > 0);
  const stacks = (name: string, shape: readonly number[]): boolean =>
    recipe.includes('merge_method: sce') && shape.length > (/norm|bias/.test(name) ? 1 : 2);
  return new Map(
    [...tensors].filter(([name, { shape }]) => dropsOutliers(shape) && !stacks(name, shape)),
  );
}

/** What mergekit refuses and we merge. */
export const mergedAnyway: Readonly<Record<string, string>> = {
  'vocabulary/karcher': 'mergekit computes the crop and throws it away',
};
