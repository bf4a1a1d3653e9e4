import type { LoadedSlice, MergeBackend } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { eq, ge, gt, lt, magnitudeBits, perModelU32, shiftRight, sub } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import { ReductionTotal } from '../expr/reduction';
import type { PassEntry } from './pass-entry';
import { forEachSlice, valuesOf } from './pass-entry';
import type { RunReductions } from './lockstep';
import type { MergeOptions } from './tensor-task';
import type { Threshold, TopSearch } from './top-magnitudes';
import { highestDigit, ownName } from './top-magnitudes';

/**
 * Fewer chunks are ranked sooner than sampled: measured, a sample saves time from 8 chunks on where
 * magnitudes are few, and from about 20 on where nearly all differ.
 */
const fewestChunks = 16;
const sampledSlices = 3;
const sampledChunks = 4;
/** Share of the rank by which a sample may miss it, beside chance. */
const spread01 = 0.05;
/** Share of equals in a sample from which its own threshold is likely to be that of all. */
const commonTies01 = 0.01;

const binBits = 11;

interface BracketReductions {
  readonly above: Reduction;
  readonly inside: Reduction;
}

/** Counts what lies above a magnitude and what equals it. */
interface ThresholdReductions {
  readonly above: Reduction;
  readonly ties: Reduction;
}

const rememberedThresholds = new WeakMap<Expr, Map<number, ThresholdReductions>>();

function thresholdReductions(of: Expr<'f32'>, searchIndex: number): ThresholdReductions {
  const known = rememberedThresholds.get(of) ?? new Map<number, ThresholdReductions>();
  rememberedThresholds.set(of, known);
  const before = known.get(searchIndex);
  if (before !== undefined) return before;
  const magnitude = magnitudeBits(of);
  const bits = perModelU32(ownName('guess.bits', searchIndex));
  const made: ThresholdReductions = {
    above: { kind: 'count', of: gt(magnitude, bits), perModel: true },
    ties: { kind: 'count', of: eq(magnitude, bits), perModel: true },
  };
  known.set(searchIndex, made);
  return made;
}

const remembered = new WeakMap<Expr, Map<string, BracketReductions>>();

/** Counts what lies above the bracket of a model, and in bins of 2^shift what lies inside. */
function reductionsFor(of: Expr<'f32'>, shift: number, searchIndex: number): BracketReductions {
  const known = remembered.get(of) ?? new Map<string, BracketReductions>();
  remembered.set(of, known);
  const name = `${shift} ${searchIndex}`;
  const before = known.get(name);
  if (before !== undefined) return before;
  const own = (list: string): Expr<'u32'> => perModelU32(ownName(list, searchIndex));
  const magnitude = magnitudeBits(of);
  const offset = sub(magnitude, own('bracket.low'));
  const made: BracketReductions = {
    above: { kind: 'count', of: ge(magnitude, own('bracket.high')), perModel: true },
    inside: {
      kind: 'histogram',
      bin: shiftRight(offset, shift),
      // Below the bracket the difference wraps around to a large number.
      when: lt(offset, own('bracket.size')),
      binCount: 2 ** binBits,
      perModel: true,
    },
  };
  known.set(name, made);
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
 * the same, for what lies above is counted. Differences of 16-bit weights have few distinct
 * magnitudes, and one look at all elements is often enough.
 * @param sample of the tensor, as `sampleOf` gives it
 * @returns undefined when the sample misled
 */
export async function findSampledThresholds(
  whole: RunReductions,
  of: Expr<'f32'>,
  search: TopSearch,
  sample: Sample,
  elementCount: number,
): Promise<Threshold[] | undefined> {
  const { keep } = search;
  const share = (k: number): number => k / elementCount;
  const ranks = keep.map((k) => Math.max(1, Math.round(share(k) * sample.elementCount)));
  const around = sample.brackets(ranks.map((rank) => [rank, rank]));
  const guesses = await narrow(sample.run, of, { ...search, keep: ranks }, around);
  if (guesses?.every(({ tieCount }) => tieCount > commonTies01 * sample.elementCount) === true) {
    const found = await verify(whole, of, search, guesses);
    if (found !== undefined) return found;
  }
  const spans = keep.map((k): [number, number] => {
    const chance = 4 * Math.sqrt((share(k) * (1 - share(k))) / sample.elementCount);
    const margin = chance + spread01 * Math.min(share(k), 1 - share(k));
    const rankAt = (rank01: number): number =>
      Math.min(sample.elementCount, Math.max(1, rank01 * sample.elementCount));
    return [rankAt(share(k) - margin), rankAt(share(k) + margin)];
  });
  return narrow(whole, of, search, sample.brackets(spans));
}

/** Where many magnitudes are equal the sample's own k-th is often that of all: two counts tell. */
async function verify(
  run: RunReductions,
  of: Expr<'f32'>,
  { index, keep }: TopSearch,
  guesses: readonly Threshold[],
): Promise<Threshold[] | undefined> {
  const { above, ties } = thresholdReductions(of, index);
  const bits = guesses.map((guess) => guess.bits);
  const [larger, equal] = await run([above, ties], { [ownName('guess.bits', index)]: bits });
  const found = keep.map((k, model) => ({
    bits: bits[model] ?? 0,
    tieCount: equal?.numbers[model] ?? 0,
    tiesKept: k - (larger?.numbers[model] ?? 0),
    tiesPerChunk: equal?.chunks[model] ?? [],
  }));
  const isRight = found.every(({ tieCount, tiesKept }) => tiesKept >= 1 && tiesKept <= tieCount);
  return isRight ? found : undefined;
}

/** Narrows brackets until a single magnitude is left; undefined when a bracket misses its rank. */
async function narrow(
  run: RunReductions,
  of: Expr<'f32'>,
  { index, keep }: TopSearch,
  start: readonly Bracket[],
): Promise<Threshold[] | undefined> {
  let brackets = start;
  let above: readonly number[] | undefined;
  for (;;) {
    const sizes = brackets.map(({ low, high }) => high - low);
    const shift = Math.max(0, Math.ceil(Math.log2(Math.max(...sizes, 1))) - binBits);
    const { above: aboveReduction, inside } = reductionsFor(of, shift, index);
    const extra = {
      [ownName('bracket.low', index)]: brackets.map(({ low }) => low),
      [ownName('bracket.high', index)]: brackets.map(({ high }) => high),
      [ownName('bracket.size', index)]: sizes,
    };
    const [bins, counts] = await run(
      above === undefined ? [inside, aboveReduction] : [inside],
      extra,
    );
    const passed = above ?? counts?.numbers ?? [];
    const places = keep.map((k, model) =>
      placeIn(bins?.bins[model] ?? new Float64Array(), k - (passed[model] ?? 0)),
    );
    if (places.includes(undefined)) return undefined;
    const next = passed.map((count, model) => count + (places[model]?.passed ?? 0));
    above = next;
    brackets = brackets.map(({ low, high }, model) => {
      const first = low + (places[model]?.bin ?? 0) * 2 ** shift;
      return { low: first, high: Math.min(high, first + 2 ** shift) };
    });
    if (shift > 0) continue;
    return brackets.map(({ low }, model) => ({
      bits: low,
      tieCount: places[model]?.count ?? 0,
      tiesKept: (keep[model] ?? 0) - (next[model] ?? 0),
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

export interface Sample {
  readonly elementCount: number;
  readonly run: RunReductions;
  /** Brackets of whole bins that hold the ranks from the one to the other, counted from above. */
  readonly brackets: (spans: readonly (readonly [number, number])[]) => Bracket[];
}

/**
 * Some chunks from all over the tensor, with the highest digit of their magnitudes counted; undefined
 * for a tensor that is too small.
 */
export async function sampleOf(
  backend: MergeBackend,
  of: Expr<'f32'>,
  entry: PassEntry,
  options: MergeOptions,
): Promise<Sample | undefined> {
  const { sliceCount, specialistCount } = entry.task;
  if (entry.task.elementCount < fewestChunks * chunkElements) return undefined;
  const slices = new Set(spreadOut(sampledSlices, sliceCount));
  const chunksEach = Math.ceil(sampledChunks / slices.size);
  let elementCount = 0;
  const run: RunReductions = async (reductions, extra) => {
    elementCount = 0;
    const own = valuesOf(entry, options);
    const values = { ...own, perModel: { ...own.perModel, ...extra } };
    const totals = reductions.map((reduction) => new ReductionTotal(reduction, specialistCount));
    const visit = async (slice: LoadedSlice): Promise<void> => {
      const chunks = spreadOut(chunksEach, Math.ceil(slice.elementCount / chunkElements));
      for (const chunk of chunks) {
        elementCount += Math.min(chunkElements, slice.elementCount - chunk * chunkElements);
      }
      const partials = await backend.reduce(slice, reductions, values, chunks);
      partials.forEach((partial, index) => totals[index]?.add(partial));
    };
    await forEachSlice(backend, entry, [of], options, visit, (index) => slices.has(index));
    return totals;
  };
  const digit = highestDigit(of);
  const [total] = await run([digit.reduction], {});
  const step = 2 ** digit.shift;
  return {
    elementCount,
    run,
    brackets: (spans) =>
      spans.map(([first, last], model) => {
        const bins = total?.bins[model] ?? new Float64Array();
        const low = placeIn(bins, last)?.bin ?? 0;
        return { low: low * step, high: ((placeIn(bins, first)?.bin ?? low) + 1) * step };
      }),
  };
}

/** Up to `count` numbers below `limit`, evenly spaced. */
function spreadOut(count: number, limit: number): number[] {
  const wanted = Math.min(count, limit);
  return Array.from({ length: wanted }, (_, index) => Math.floor(((index + 0.5) * limit) / wanted));
}
