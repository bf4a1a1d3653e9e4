import type { Reduction, ReductionPartial } from '../expr/reduction';

/** What a reduction kernel left in memory. */
export interface RawResults {
  /** Per chunk, the numbers of all reductions. */
  readonly numbers: Float64Array;
  readonly resultCount: number;
  /** Per lane, the bins of all reductions. */
  readonly counts: Uint32Array;
  /** From one lane to the next. */
  readonly laneWords: number;
}

/** Joins the bins of all lanes and sorts the numbers by reduction. */
export function readPartials(
  reductions: readonly Reduction[],
  specialistCount: number,
  { numbers, resultCount, counts, laneWords }: RawResults,
): ReductionPartial[] {
  let result = 0;
  let firstBin = 0;
  const chunkCount = resultCount === 0 ? 0 : numbers.length / resultCount;
  const laneCount = laneWords === 0 ? 0 : counts.length / laneWords;
  return reductions.map((reduction) => {
    const listCount = reduction.perModel ? specialistCount : 1;
    const lists = Array.from({ length: listCount }, () => {
      if (reduction.kind !== 'histogram') {
        const column = result++;
        return Float64Array.from(
          { length: chunkCount },
          (_, chunk) => numbers[chunk * resultCount + column] ?? 0,
        );
      }
      const start = firstBin;
      firstBin += reduction.binCount;
      const bins = new Float64Array(counts.subarray(start, firstBin));
      for (let lane = 1; lane < laneCount; lane++) {
        for (let bin = 0; bin < bins.length; bin++) {
          bins[bin] = (bins[bin] ?? 0) + (counts[lane * laneWords + start + bin] ?? 0);
        }
      }
      return bins;
    });
    return { lists };
  });
}
