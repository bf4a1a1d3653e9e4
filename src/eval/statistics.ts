/** A value with the ends of its interval, all as fractions. */
export interface Interval {
  readonly value01: number;
  readonly low01: number;
  readonly high01: number;
}

/** Standard normal quantile of a two-sided 95 % interval. */
const z95 = 1.959963984540054;

/**
 * The share of passes with its 95 % Wilson score interval (Wilson 1927; equation 4 of Brown, Cai and
 * DasGupta 2001, without continuity correction). Never leaves [0, 1], and has width also at 0 and 1.
 *
 * @param itemCount 0 gives value 0 with the interval [0, 1]: nothing is known
 */
export function wilsonInterval(passedCount: number, itemCount: number): Interval {
  if (itemCount === 0) return { value01: 0, low01: 0, high01: 1 };
  const share = passedCount / itemCount;
  const z2 = z95 * z95;
  const centre = (share + z2 / (2 * itemCount)) / (1 + z2 / itemCount);
  const half =
    (z95 / (1 + z2 / itemCount)) *
    Math.sqrt((share * (1 - share)) / itemCount + z2 / (4 * itemCount * itemCount));
  return {
    value01: share,
    // The ends are exact at 0 and 1; the formula misses them by rounding.
    low01: passedCount === 0 ? 0 : Math.max(0, centre - half),
    high01: passedCount === itemCount ? 1 : Math.min(1, centre + half),
  };
}

/** Items of which one merge got right and the other wrong, and how often both agreed. */
export interface PairedComparison {
  readonly itemCount: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Share right of the first minus that of the second, in [-1, 1]. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Exact two-sided McNemar test: how likely so uneven a split is if both were equally good. */
  readonly pValue: number;
}

/**
 * Compares two models on the same items: exact McNemar test (binomial, two-sided) and the difference
 * with its 95 % interval by Newcombe's method 10 (Newcombe 1998, Statistics in Medicine 17:2635).
 *
 * @param first whether each item passed, in an order shared with `second`
 * @throws RangeError when the lists differ in length
 */
export function comparePaired(
  first: readonly boolean[],
  second: readonly boolean[],
): PairedComparison {
  if (first.length !== second.length) {
    throw new RangeError('comparePaired needs the outcomes of the same items');
  }
  let both = 0;
  let onlyFirst = 0;
  let onlySecond = 0;
  first.forEach((isRight, index) => {
    const otherIsRight = second[index] === true;
    if (isRight && otherIsRight) both++;
    else if (isRight) onlyFirst++;
    else if (otherIsRight) onlySecond++;
  });
  const itemCount = first.length;
  const difference = itemCount === 0 ? 0 : (onlyFirst - onlySecond) / itemCount;
  return {
    itemCount,
    onlyFirst,
    onlySecond,
    difference,
    ...newcombeInterval(both, onlyFirst, onlySecond, itemCount),
    pValue: mcnemarExact(onlyFirst, onlySecond),
  };
}

/** Two-sided exact McNemar p value: twice the smaller binomial tail at one half, at most 1. */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const total = onlyFirst + onlySecond;
  const smaller = Math.min(onlyFirst, onlySecond);
  // Terms by their logarithm: 2^-total underflows beyond 1,074 items.
  let logTerm = -total * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let count = 1; count <= smaller; count++) {
    logTerm += Math.log((total - count + 1) / count);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

function newcombeInterval(
  both: number,
  onlyFirst: number,
  onlySecond: number,
  itemCount: number,
): { low: number; high: number } {
  if (itemCount === 0) return { low: -1, high: 1 };
  const first = wilsonInterval(both + onlyFirst, itemCount);
  const second = wilsonInterval(both + onlySecond, itemCount);
  const difference = (onlyFirst - onlySecond) / itemCount;
  const phi = correlation(both, onlyFirst, onlySecond, itemCount);
  const below = first.value01 - first.low01;
  const above = first.high01 - first.value01;
  const otherBelow = second.value01 - second.low01;
  const otherAbove = second.high01 - second.value01;
  const spread = (a: number, b: number): number =>
    Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  return {
    low: Math.max(-1, difference - spread(below, otherAbove)),
    high: Math.min(1, difference + spread(above, otherBelow)),
  };
}

/** Newcombe's phi: the correlation of the two outcomes, with his continuity correction. */
function correlation(both: number, onlyFirst: number, onlySecond: number, count: number): number {
  const neither = count - both - onlyFirst - onlySecond;
  const product =
    (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  if (product === 0) return 0;
  const cross = both * neither - onlyFirst * onlySecond;
  const corrected = cross > 0 ? Math.max(cross - count / 2, 0) : cross;
  return corrected / Math.sqrt(product);
}

/**
 * The mean of numbers with its 95 % interval by the normal approximation, for values that are not
 * mere passes. One value alone gives an interval without width that says nothing; callers show
 * counts beside it.
 */
export function meanInterval(values: readonly number[]): {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
} {
  const count = values.length;
  if (count === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { mean, low: mean, high: mean };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = z95 * Math.sqrt(squares / (count - 1) / count);
  return { mean, low: mean - half, high: mean + half };
}
