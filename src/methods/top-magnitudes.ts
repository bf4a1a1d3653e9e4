import { and, bool, eq, magnitudeBits, perModelU32, shiftRight, u32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import type { RunReductions } from './lockstep';

/** Every element, ties included: `isTop` holds for all magnitudes from `bits` up. */
export const everyIndex = 0xffffffff;
/** Above the common value of NaN, so that nothing reaches it. */
const unreachableBits = 0x7f800002;

/** One of the searches for thresholds of the same magnitudes that go on side by side. */
export interface TopSearch {
  /** From 0; tells apart what kernels read. */
  readonly index: number;
  /** k for each specialist, from 0 to the number of elements. */
  readonly keep: readonly number[];
}

/** The name of a list that kernels read for one of the searches. */
export function ownName(name: string, searchIndex: number): string {
  return searchIndex === 0 ? name : `${name}.${searchIndex}`;
}

/** Where the k-th magnitude of one specialist lies. */
export interface Threshold {
  /** As `magnitudeBits`. */
  readonly bits: number;
  /** How many elements have exactly these bits. */
  readonly tieCount: number;
  /** How many of them are among the k; from 1 to `tieCount` unless k is 0. */
  readonly tiesKept: number;
  /** How many lie in every chunk, where that is known. */
  readonly tiesPerChunk?: readonly number[];
}

const digits = [
  { shift: 20, width: 11 },
  { shift: 10, width: 10 },
  { shift: 0, width: 10 },
] as const;

const histograms = new WeakMap<Expr, Map<string, Reduction>>();

/** One histogram of a digit of the magnitude; the same object every time, so kernels are compiled once. */
function digitHistogram(
  of: Expr<'f32'>,
  shift: number,
  width: number,
  isFirst: boolean,
  searchIndex: number,
): Reduction {
  const known = histograms.get(of) ?? new Map<string, Reduction>();
  histograms.set(of, known);
  // All searches begin with the same histogram.
  const name = `${shift} ${width} ${isFirst ? 'first' : searchIndex}`;
  const before = known.get(name);
  if (before !== undefined) return before;

  const magnitude = magnitudeBits(of);
  const digit = shiftRight(magnitude, shift);
  const isInPrefix = eq(
    shiftRight(magnitude, shift + width),
    perModelU32(ownName('radix.prefix', searchIndex)),
  );
  const reduction: Reduction = {
    kind: 'histogram',
    bin: isFirst ? digit : and(digit, u32(2 ** width - 1)),
    when: isFirst ? bool(true) : isInPrefix,
    binCount: 2 ** width,
    perModel: true,
  };
  known.set(name, reduction);
  return reduction;
}

/** The histogram over the highest digit of all elements; a bin spans 2^`shift` magnitudes. */
export function highestDigit(of: Expr<'f32'>): { reduction: Reduction; shift: number } {
  const [{ shift, width }] = digits;
  return { reduction: digitHistogram(of, shift, width, true, 0), shift };
}

/**
 * Exact k-th largest |`of`| of every specialist by three histograms over the bits of the float, from
 * the highest 11 of 31 down; nothing is sorted and the order of elements does not matter. NaN ranks
 * above infinity, as in `torch.topk`.
 * @param isExact whether the smallest magnitude is wanted where everything is kept; else the search
 * is saved there and the bits are 0
 */
export async function findThresholds(
  run: RunReductions,
  of: Expr<'f32'>,
  { index, keep }: TopSearch,
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
    const reduction = digitHistogram(of, shift, width, shift + width === 31, index);
    const [total] = await run([reduction], { [ownName('radix.prefix', index)]: prefixes });
    total?.bins.forEach((bins, model) => {
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
