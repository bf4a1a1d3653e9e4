import type { LoadedSlice } from '../expr/backend';
import type { Reduction, ReductionPartial } from '../expr/reduction';

/** The words that a reduction kernel wrote, as lists per result. */
export function readPartial(
  reduction: Reduction,
  words: Uint32Array<ArrayBuffer>,
  slice: LoadedSlice,
): ReductionPartial {
  const listCount = reduction.perModel ? slice.specialistCount : 1;
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const { kind } = reduction;
  // A sum comes as a high and a low part.
  const width = kind === 'sum' ? 2 : 1;
  const length = words.length / listCount / width;
  const lists = Array.from({ length: listCount }, (_, list) =>
    Float64Array.from({ length }, (_unused, place) => {
      const index = (list * length + place) * width;
      if (kind === 'sum') return (floats[index] ?? 0) + (floats[index + 1] ?? 0);
      return (kind === 'max' ? floats[index] : words[index]) ?? 0;
    }),
  );
  return { lists };
}

/** Partials of several runs over one slice as one. */
export function joinPartials(
  reduction: Reduction,
  partials: readonly ReductionPartial[],
  specialistCount: number,
): ReductionPartial {
  const [only] = partials;
  if (only !== undefined && partials.length === 1) return only;
  const listCount = reduction.perModel ? specialistCount : 1;
  const lists = Array.from({ length: listCount }, (_, list) => {
    const parts = partials.map((partial) => partial.lists[list] ?? new Float64Array());
    if (reduction.kind !== 'histogram') {
      return Float64Array.from(parts.flatMap((part) => [...part]));
    }
    const bins = new Float64Array(reduction.binCount);
    for (const part of parts) {
      part.forEach((count, bin) => {
        bins[bin] = (bins[bin] ?? 0) + count;
      });
    }
    return bins;
  });
  return { lists };
}
