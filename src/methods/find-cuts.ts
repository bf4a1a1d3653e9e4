import type { LoadedSlice, MergeBackend } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { and, elementIndex, eq, magnitudeBits, perModelU32, shiftRight, u32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import type { PassEntry } from './pass-entry';
import { forEachSlice, valuesOf } from './pass-entry';
import type { MergeOptions } from './tensor-task';
import type { Threshold } from './top-magnitudes';
import { everyIndex } from './top-magnitudes';

/** Within a chunk the index is found in two steps: groups of eight, then the place in the group. */
const groupBits = 3;
const groupCount = chunkElements >> groupBits;

interface CutReductions {
  /** Ties in every chunk. */
  readonly perChunk: Reduction;
  readonly perGroup: Reduction;
  readonly perPlace: Reduction;
}

const remembered = new WeakMap<Expr, CutReductions>();

/** The same objects every time, so that kernels are compiled once. */
function reductionsFor(of: Expr<'f32'>): CutReductions {
  const known = remembered.get(of);
  if (known !== undefined) return known;
  const isTie = eq(magnitudeBits(of), perModelU32('cut.bits'));
  const group = shiftRight(elementIndex, groupBits);
  const isInChunk = eq(
    shiftRight(elementIndex, Math.log2(chunkElements)),
    perModelU32('cut.chunk'),
  );
  const made: CutReductions = {
    perChunk: { kind: 'count', of: isTie, perModel: true },
    perGroup: {
      kind: 'histogram',
      bin: and(group, u32(groupCount - 1)),
      when: and(isTie, isInChunk),
      binCount: groupCount,
      perModel: true,
    },
    perPlace: {
      kind: 'histogram',
      bin: and(elementIndex, u32((1 << groupBits) - 1)),
      when: and(isTie, eq(group, perModelU32('cut.group'))),
      binCount: 1 << groupBits,
      perModel: true,
    },
  };
  remembered.set(of, made);
  return made;
}

/**
 * The exclusive upper index below which exactly `tiesKept` elements of the tensor tie with the
 * threshold, for every specialist. One pass counts ties per chunk; only the chunks in which a cut
 * falls are looked at again, so nothing is sorted.
 */
export async function findCuts(
  backend: MergeBackend,
  of: Expr<'f32'>,
  entry: PassEntry,
  options: MergeOptions,
  thresholds: readonly Threshold[],
): Promise<number[]> {
  const isOpen = thresholds.map(({ tieCount, tiesKept }) => tiesKept > 0 && tiesKept < tieCount);
  const { perChunk, perGroup, perPlace } = reductionsFor(of);
  const bits = thresholds.map((threshold) => threshold.bits);
  const cuts: number[] = thresholds.map(({ tieCount, tiesKept }) =>
    tiesKept === 0 && tieCount > 0 ? 0 : everyIndex,
  );
  if (!isOpen.includes(true)) return cuts;

  const own = valuesOf(entry, options);
  const run = async (
    slice: LoadedSlice,
    reduction: Reduction,
    extra: Readonly<Record<string, readonly number[]>>,
    chunks?: readonly number[],
  ): Promise<readonly Float64Array[]> => {
    const values = { ...own, perModel: { ...own.perModel, 'cut.bits': bits, ...extra } };
    const [partial] = await backend.reduce(slice, [reduction], values, chunks);
    return partial?.lists ?? [];
  };

  const wanted = thresholds.map(({ tiesKept }, model) => (isOpen[model] === true ? tiesKept : 0));
  /** Where the cut falls, from the tensor's first element on, and how many ties it keeps there. */
  const found = thresholds.map(() => ({ chunk: -1, left: 0 }));
  await forEachSlice(backend, entry, [of], options, async (slice) => {
    if (found.every(({ chunk }, model) => chunk >= 0 || isOpen[model] !== true)) return;
    const lists = await run(slice, perChunk, {});
    const firstChunk = slice.firstElement / chunkElements;
    lists.forEach((counts, model) => {
      for (const [index, count] of counts.entries()) {
        const left = wanted[model] ?? 0;
        if (left > 0 && left <= count) found[model] = { chunk: firstChunk + index, left };
        wanted[model] = Math.max(0, left - count);
      }
    });
    const chunkCount = Math.ceil(slice.elementCount / chunkElements);
    const here = new Set(found.map(({ chunk }) => chunk - firstChunk));
    const chunks = [...here].filter((chunk) => chunk >= 0 && chunk < chunkCount);
    if (chunks.length === 0) return;
    const places = found.map(({ chunk }) => Math.max(0, chunk));
    const groups = (await run(slice, perGroup, { 'cut.chunk': places }, chunks)).map(
      (counts, model) => reach(counts, found[model]?.left ?? 0),
    );
    const groupPlaces = groups.map(({ bin }, model) => (places[model] ?? 0) * groupCount + bin);
    const last = await run(slice, perPlace, { 'cut.group': groupPlaces }, chunks);
    last.forEach((counts, model) => {
      if (!chunks.includes((found[model]?.chunk ?? -1) - firstChunk)) return;
      const { bin } = reach(counts, groups[model]?.left ?? 0);
      cuts[model] = (((groupPlaces[model] ?? 0) << groupBits) >>> 0) + bin + 1;
    });
  });
  return cuts;
}

/** The first bin with which `wanted` are reached, and how many of them lie in it. */
function reach(counts: Float64Array, wanted: number): { bin: number; left: number } {
  let left = wanted;
  let bin = 0;
  while (bin < counts.length - 1 && left > (counts[bin] ?? 0)) left -= counts[bin++] ?? 0;
  return { bin, left };
}
