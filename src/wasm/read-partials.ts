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
  return reductions.map((reduction) => {
    const listCount = reduction.perModel ? specialistCount : 1;
    const lists = Array.from({ length: listCount }, () => {
      if (reduction.kind !== 'histogram') return everyNth(numbers, result++, resultCount);
      const start = firstBin;
      firstBin += reduction.binCount;
      return sumOfLanes(counts, start, reduction.binCount, laneWords);
    });
    return { lists };
  });
}

function everyNth(numbers: Float64Array, first: number, step: number): Float64Array {
  const picked = new Float64Array(numbers.length / step);
  for (let at = 0; at < picked.length; at++) picked[at] = numbers[first + at * step] ?? 0;
  return picked;
}

/** Plain loops over typed arrays: thousands of bins a tensor took as long as some kernels do. */
function sumOfLanes(
  counts: Uint32Array,
  firstBin: number,
  binCount: number,
  laneWords: number,
): Float64Array {
  const bins = new Float64Array(binCount);
  for (let start = firstBin; start < counts.length; start += laneWords) {
    for (let bin = 0; bin < binCount; bin++) {
      bins[bin] = (bins[bin] as number) + (counts[start + bin] as number);
    }
  }
  return bins;
}
