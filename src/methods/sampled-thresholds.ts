import type { LoadedSlice, MergeBackend } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { ge, lt, magnitudeBits, perModelU32, shiftRight, sub } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import { ReductionTotal } from '../expr/reduction';
import type { PassEntry } from './pass-entry';
import { forEachSlice } from './pass-entry';
import { reduceAll } from './reduce-all';
import type { MergeOptions } from './tensor-task';
import type { Threshold } from './top-magnitudes';
import { highestDigit } from './top-magnitudes';

/** Fewer chunks are ranked sooner than sampled. */
const fewestChunks = 24;
const sampledSlices = 3;
const sampledChunks = 4;
/** Share of the rank by which a sample may miss it, beside chance. */
const spread01 = 0.05;

const binBits = 11;

interface BracketReductions {
  readonly above: Reduction;
  readonly inside: Reduction;
}

const remembered = new WeakMap<Expr, Map<number, BracketReductions>>();

/** Counts what lies above the bracket of a model, and in bins of 2^shift what lies inside. */
function reductionsFor(of: Expr<'f32'>, shift: number): BracketReductions {
  const known = remembered.get(of) ?? new Map<number, BracketReductions>();
  remembered.set(of, known);
  const before = known.get(shift);
  if (before !== undefined) return before;
  const magnitude = magnitudeBits(of);
  const offset = sub(magnitude, perModelU32('bracket.low'));
  const made: BracketReductions = {
    above: { kind: 'count', of: ge(magnitude, perModelU32('bracket.high')), perModel: true },
    inside: {
      kind: 'histogram',
      bin: shiftRight(offset, shift),
      // Below the bracket the difference wraps around to a large number.
      when: lt(offset, perModelU32('bracket.size')),
      binCount: 2 ** binBits,
      perModel: true,
    },
  };
  known.set(shift, made);
  return made;
}

/** Magnitudes among which the k-th one is sought, as bits; `high` is exclusive. */
interface Bracket {
  readonly low: number;
  readonly high: number;
}

/**
 * As `findThresholds` for one tensor, but a sample of its chunks first tells about where the k-th
 * magnitudes lie: then nearly every element is only compared, and few are counted in bins. Exact all
 * the same, for what lies above is counted.
 * @returns undefined for a small tensor, or when a sample misled
 */
export async function findSampledThresholds(
  backend: MergeBackend,
  of: Expr<'f32'>,
  entry: PassEntry,
  options: MergeOptions,
  keep: readonly number[],
): Promise<Threshold[] | undefined> {
  const { elementCount } = entry.task;
  if (elementCount < fewestChunks * chunkElements) return undefined;
  let brackets = await sampleBrackets(backend, of, entry, options, keep);
  let above: readonly number[] | undefined;
  for (;;) {
    const sizes = brackets.map(({ low, high }) => high - low);
    const shift = Math.max(0, Math.ceil(Math.log2(Math.max(...sizes, 1))) - binBits);
    const { above: aboveReduction, inside } = reductionsFor(of, shift);
    const extra = {
      'bracket.low': brackets.map(({ low }) => low),
      'bracket.high': brackets.map(({ high }) => high),
      'bracket.size': sizes,
    };
    const wanted = above === undefined ? [inside, aboveReduction] : [inside];
    const [bins, counts] = await reduceAll(backend, wanted, [entry], options, extra);
    above ??= counts?.numbers ?? [];
    const places = keep.map((k, model) =>
      placeIn(bins?.bins[model] ?? new Float64Array(), k - (above?.[model] ?? 0)),
    );
    if (places.includes(undefined)) return undefined;
    const last = above;
    above = last.map((count, model) => count + (places[model]?.passed ?? 0));
    brackets = brackets.map(({ low, high }, model) => {
      const start = low + (places[model]?.bin ?? 0) * 2 ** shift;
      return { low: start, high: Math.min(high, start + 2 ** shift) };
    });
    if (shift > 0) continue;
    return brackets.map(({ low }, model) => ({
      bits: low,
      tieCount: places[model]?.count ?? 0,
      tiesKept: (keep[model] ?? 0) - (above?.[model] ?? 0),
    }));
  }
}

interface BinPlace {
  readonly bin: number;
  /** Elements in higher bins, and in this one. */
  readonly passed: number;
  readonly count: number;
}

/** The bin that holds the `rank`-th element from above, counted from 1; undefined if none does. */
function placeIn(bins: Float64Array, rank: number): BinPlace | undefined {
  if (rank < 1) return undefined;
  let passed = 0;
  for (let bin = bins.length - 1; bin >= 0; bin--) {
    const count = bins[bin] ?? 0;
    if (passed + count >= rank) return { bin, passed, count };
    passed += count;
  }
  return undefined;
}

/** A bracket for every model from the highest digit of some chunks all over the tensor. */
async function sampleBrackets(
  backend: MergeBackend,
  of: Expr<'f32'>,
  entry: PassEntry,
  options: MergeOptions,
  keep: readonly number[],
): Promise<Bracket[]> {
  const { sliceCount, elementCount, specialistCount } = entry.task;
  const slices = new Set(spreadOut(sampledSlices, sliceCount));
  const chunksEach = Math.ceil(sampledChunks / slices.size);
  const digit = highestDigit(of);
  const total = new ReductionTotal(digit.reduction, specialistCount);
  let sampleCount = 0;
  const { numbers } = entry;
  const values = { seed: options.seed, ...numbers };
  const visit = async (slice: LoadedSlice): Promise<void> => {
    const chunks = spreadOut(chunksEach, Math.ceil(slice.elementCount / chunkElements));
    for (const chunk of chunks) {
      sampleCount += Math.min(chunkElements, slice.elementCount - chunk * chunkElements);
    }
    const [partial] = await backend.reduce(slice, [digit.reduction], values, chunks);
    if (partial) total.add(partial);
  };
  await forEachSlice(backend, entry, [of], options, visit, (index) => slices.has(index));
  return keep.map((k, model) => {
    const share = k / elementCount;
    const chance = 4 * Math.sqrt((share * (1 - share)) / sampleCount);
    const margin = chance + spread01 * Math.min(share, 1 - share);
    const bins = total.bins[model] ?? new Float64Array();
    const binAt = (rank01: number): number =>
      placeIn(bins, Math.min(sampleCount, Math.max(1, rank01 * sampleCount)))?.bin ?? 0;
    const step = 2 ** digit.shift;
    return { low: binAt(share + margin) * step, high: (binAt(share - margin) + 1) * step };
  });
}

/** Up to `count` numbers below `limit`, evenly spaced. */
function spreadOut(count: number, limit: number): number[] {
  const wanted = Math.min(count, limit);
  return Array.from({ length: wanted }, (_, index) => Math.floor(((index + 0.5) * limit) / wanted));
}
