import {
  and,
  bool,
  elementIndex,
  eq,
  magnitudeBits,
  perModelU32,
  shiftRight,
  u32,
} from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction, ReductionTotal } from '../expr/reduction';
import type { MethodNumbers } from './method';

/** Every element, ties included: `isTop` holds for all magnitudes from `bits` up. */
export const everyIndex = 0xffffffff;
/** Above the common value of NaN, so that nothing reaches it. */
const unreachableBits = 0x7f800002;

/** Runs one reduction over all elements that are ranked together. */
export type RunReduction = (
  reduction: Reduction,
  extra: MethodNumbers['perModel'],
) => Promise<ReductionTotal>;

/** Where the k-th magnitude of one specialist lies. */
export interface Threshold {
  /** As `magnitudeBits`. */
  readonly bits: number;
  /** How many elements have exactly these bits. */
  readonly tieCount: number;
  /** How many of them are among the k; from 1 to `tieCount` unless k is 0. */
  readonly tiesKept: number;
}

const digits = [
  { shift: 20, width: 11 },
  { shift: 10, width: 10 },
  { shift: 0, width: 10 },
];

const histograms = new WeakMap<Expr, Map<string, Reduction>>();

/** One histogram of a digit of `key`; the same object every time, so kernels are compiled once. */
function digitHistogram(
  of: Expr<'f32'>,
  key: 'magnitude' | 'index',
  shift: number,
  width: number,
  isFirst: boolean,
): Reduction {
  const known = histograms.get(of) ?? new Map<string, Reduction>();
  histograms.set(of, known);
  const name = `${key} ${String(shift)} ${String(width)} ${String(isFirst)}`;
  const before = known.get(name);
  if (before !== undefined) return before;

  const magnitude = magnitudeBits(of);
  const word = key === 'magnitude' ? magnitude : elementIndex;
  const digit = shiftRight(word, shift);
  const among = key === 'magnitude' ? [] : [eq(magnitude, perModelU32('radix.bits'))];
  const inPrefix = isFirst
    ? []
    : [eq(shiftRight(word, shift + width), perModelU32('radix.prefix'))];
  const [when = bool(true), ...more] = [...among, ...inPrefix];
  const reduction: Reduction = {
    kind: 'histogram',
    bin: isFirst ? digit : and(digit, u32(2 ** width - 1)),
    when: more.reduce((all, next) => and(all, next), when),
    binCount: 2 ** width,
    perModel: true,
  };
  known.set(name, reduction);
  return reduction;
}

/**
 * Exact k-th largest |`of`| of every specialist by three histograms over the bits of the float, from
 * the highest 11 of 31 down; nothing is sorted and the order of elements does not matter. NaN ranks
 * above infinity, as in `torch.topk`.
 * @param keep k for each specialist, from 0 to `elementCount`
 * @param isExact whether the smallest magnitude is wanted where everything is kept; else the search
 * is saved there and the bits are 0
 */
export async function findThresholds(
  run: RunReduction,
  of: Expr<'f32'>,
  keep: readonly number[],
  elementCount: number,
  isExact = false,
): Promise<Threshold[]> {
  const isWhole = (k: number): boolean => k === 0 || (k === elementCount && !isExact);
  const whole = (k: number): Threshold =>
    k === 0
      ? { bits: unreachableBits, tieCount: 0, tiesKept: 0 }
      : { bits: 0, tieCount: 0, tiesKept: 0 };
  if (keep.every(isWhole)) return keep.map(whole);

  const prefixes = keep.map(() => 0);
  const above = keep.map(() => 0);
  const ties = keep.map(() => 0);
  for (const { shift, width } of digits) {
    const reduction = digitHistogram(of, 'magnitude', shift, width, shift + width === 31);
    const total = await run(reduction, { 'radix.prefix': prefixes });
    total.bins.forEach((bins, model) => {
      let bin = bins.length - 1;
      let count = above[model] ?? 0;
      const k = keep[model] ?? 0;
      while (bin > 0 && count + (bins[bin] ?? 0) < k) {
        count += bins[bin] ?? 0;
        bin--;
      }
      above[model] = count;
      ties[model] = bins[bin] ?? 0;
      prefixes[model] = (prefixes[model] ?? 0) * 2 ** width + bin;
    });
  }
  return keep.map((k, model) =>
    isWhole(k)
      ? whole(k)
      : {
          bits: prefixes[model] ?? 0,
          tieCount: ties[model] ?? 0,
          tiesKept: k - (above[model] ?? 0),
        },
  );
}

/**
 * The exclusive upper index below which exactly `tiesKept` elements tie with the threshold, for
 * every specialist: by histograms over the index, so again without sorting.
 * @param run over the one tensor the indices belong to
 */
export async function findCuts(
  run: RunReduction,
  of: Expr<'f32'>,
  thresholds: readonly Threshold[],
  elementCount: number,
): Promise<number[]> {
  const isOpen = thresholds.map(({ tieCount, tiesKept }) => tiesKept > 0 && tiesKept < tieCount);
  const prefixes = thresholds.map(() => 0);
  if (isOpen.includes(true)) {
    const below = thresholds.map(() => 0);
    const bitWidth = Math.max(1, Math.ceil(Math.log2(elementCount)));
    for (let left = bitWidth; left > 0;) {
      const width = Math.min(11, left);
      const shift = left - width;
      const reduction = digitHistogram(of, 'index', shift, width, left === bitWidth);
      const total = await run(reduction, {
        'radix.prefix': prefixes,
        'radix.bits': thresholds.map(({ bits }) => bits),
      });
      total.bins.forEach((bins, model) => {
        const wanted = thresholds[model]?.tiesKept ?? 0;
        let bin = 0;
        let count = below[model] ?? 0;
        while (bin < bins.length - 1 && count + (bins[bin] ?? 0) < wanted) {
          count += bins[bin] ?? 0;
          bin++;
        }
        below[model] = count;
        prefixes[model] = (prefixes[model] ?? 0) * 2 ** width + bin;
      });
      left = shift;
    }
  }
  return thresholds.map(({ tieCount, tiesKept }, model) => {
    if (isOpen[model] === true) return (prefixes[model] ?? 0) + 1;
    return tiesKept === 0 && tieCount > 0 ? 0 : everyIndex;
  });
}
