import { invariant } from '../core/errors';
import type { MergeBackend } from '../expr/backend';
import { abs } from '../expr/build';
import { mapFloats } from './map-floats';
import type { MergekitSamplePass } from './method';
import type { PassEntry } from './pass-entry';
import { forEachSlice, keyOf, recall } from './pass-entry';
import type { MergeOptions } from './tensor-task';

const magnitudes = new WeakMap<MergekitSamplePass, ReturnType<typeof abs>>();

/** Runs a `mergekitSample` pass: the scalars that it adds. */
export async function sampleQuantiles(
  backend: MergeBackend,
  pass: MergekitSamplePass,
  entry: PassEntry,
  options: MergeOptions,
): Promise<Readonly<Record<string, number>>> {
  const of = magnitudes.get(pass) ?? abs(pass.of);
  magnitudes.set(pass, of);
  const key = `${keyOf(entry, [of], options)} ${String(options.seed)}`;
  return recall(options, [entry], pass, key, async () => {
    const samples = pass.draws.map((_, draw) => {
      const places = placesOf(pass, draw, entry, options);
      return { places, values: new Float32Array(places.length), taken: 0 };
    });
    await forEachSlice(backend, entry, [of], options, async (slice) => {
      const all = await mapFloats(backend, slice, of, entry, options);
      const end = slice.firstElement + slice.elementCount;
      for (const sample of samples) {
        for (; (sample.places[sample.taken] ?? end) < end; sample.taken++) {
          const place = sample.places[sample.taken] ?? 0;
          sample.values[sample.taken] = all[place - slice.firstElement] ?? 0;
        }
      }
    });
    const found: Record<string, number> = {};
    pass.draws.forEach((shares, draw) => {
      const sorted = samples[draw]?.values.sort() ?? new Float32Array();
      for (const [name, share] of Object.entries(shares)) {
        found[name] = sorted[Math.trunc(share * (sorted.length - 1))] ?? NaN;
      }
    });
    return found;
  });
}

/** The drawn elements in ascending order; all of them where no draw is needed. */
function placesOf(
  { sampleCount }: MergekitSamplePass,
  draw: number,
  { task }: PassEntry,
  { mergekitDraws }: MergeOptions,
): Uint32Array {
  const { name, elementCount } = task;
  if (elementCount <= sampleCount) return Uint32Array.from({ length: elementCount }, (_, i) => i);
  invariant(mergekitDraws, 'the caller gives mergekit’s random numbers');
  return mergekitDraws.permutationHead(name, draw, elementCount, sampleCount).sort();
}
