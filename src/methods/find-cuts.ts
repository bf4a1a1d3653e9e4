import type { LoadedSlice, MergeBackend } from '../expr/backend';
import { chunkElements } from '../expr/backend';
import { and, elementIndex, eq, magnitudeBits, perModelU32, shiftRight, u32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import type { PassEntry } from './pass-entry';
import { forEachSlice, valuesOf } from './pass-entry';
import { reduceAll } from './reduce-all';
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
 * threshold, for every specialist. Unless the thresholds tell, one pass counts ties per chunk; then
 * only the chunks in which a cut falls are looked at, so nothing is sorted.
 */
export async function findCuts(
  backend: MergeBackend,
  of: Expr<'f32'>,
  entry: PassEntry,
  options: MergeOptions,
  thresholds: readonly Threshold[],
): Promise<number[]> {
  const isOpen = thresholds.map(({ tieCount, tiesKept }) => tiesKept > 0 && tiesKept < tieCount);
  const cuts: number[] = thresholds.map(({ tieCount, tiesKept }) =>
    tiesKept === 0 && tieCount > 0 ? 0 : everyIndex,
  );
  if (!isOpen.includes(true)) return cuts;

  const { perChunk, perGroup, perPlace } = reductionsFor(of);
  const own = valuesOf(entry, options);
  const bits = thresholds.map((threshold) => threshold.bits);
  const known = thresholds.flatMap(({ tiesPerChunk }) => (tiesPerChunk ? [tiesPerChunk] : []));
  const counted =
    known.length < thresholds.length
      ? await reduceAll(backend, [perChunk], [entry], options, { 'cut.bits': bits })
      : [];
  const ties = counted[0]?.chunks ?? known;
  /** Where the cut falls, from the tensor's first element on, and how many ties it keeps there. */
  const found = thresholds.map(({ tiesKept }, model) =>
    isOpen[model] === true ? reach(ties[model] ?? [], tiesKept) : { bin: -1, left: 0 },
  );
  const places = found.map(({ bin }) => Math.max(0, bin));
  const wanted = new Set(found.flatMap(({ bin }) => (bin < 0 ? [] : [bin])));

  const visit = async (slice: LoadedSlice): Promise<void> => {
    const firstChunk = slice.firstElement / chunkElements;
    const endChunk = firstChunk + Math.ceil(slice.elementCount / chunkElements);
    const here = [...wanted].filter((chunk) => chunk >= firstChunk && chunk < endChunk);
    if (here.length === 0) return;
    const chunks = here.map((chunk) => chunk - firstChunk);
    const run = async (
      reduction: Reduction,
      extra: Readonly<Record<string, readonly number[]>>,
    ): Promise<readonly Float64Array[]> => {
      const values = { ...own, perModel: { ...own.perModel, 'cut.bits': bits, ...extra } };
      const [partial] = await backend.reduce(slice, [reduction], values, chunks);
      return partial?.lists ?? [];
    };
    const groups = (await run(perGroup, { 'cut.chunk': places })).map((counts, model) =>
      reach(counts, found[model]?.left ?? 0),
    );
    const groupPlaces = groups.map(({ bin }, model) => (places[model] ?? 0) * groupCount + bin);
    const last = await run(perPlace, { 'cut.group': groupPlaces });
    last.forEach((counts, model) => {
      if (!here.includes(found[model]?.bin ?? -1)) return;
      const { bin } = reach(counts, groups[model]?.left ?? 0);
      cuts[model] = (((groupPlaces[model] ?? 0) << groupBits) >>> 0) + bin + 1;
    });
    for (const chunk of here) wanted.delete(chunk);
  };
  await forEachSlice(backend, entry, [of], options, visit, () => wanted.size > 0);
  return cuts;
}

/** The first bin with which `wanted` are reached, and how many of them lie in it. */
function reach(counts: ArrayLike<number>, wanted: number): { bin: number; left: number } {
  let left = wanted;
  let bin = 0;
  while (bin < counts.length - 1 && left > (counts[bin] ?? 0)) left -= counts[bin++] ?? 0;
  return { bin, left };
}
