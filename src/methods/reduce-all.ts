import type { MergeBackend } from '../expr/backend';
import type { Reduction } from '../expr/reduction';
import { exprsOf, ReductionTotal } from '../expr/reduction';
import type { MethodNumbers } from './method';
import type { PassEntry } from './pass-entry';
import { forEachSlice, valuesOf } from './pass-entry';
import type { MergeOptions } from './tensor-task';

/**
 * Totals of the reductions over all slices of all entries.
 * @param extra lists that only these reductions read
 */
export async function reduceAll(
  backend: MergeBackend,
  reductions: readonly Reduction[],
  entries: readonly PassEntry[],
  options: MergeOptions,
  extra: MethodNumbers['perModel'] = {},
): Promise<ReductionTotal[]> {
  const count = entries[0]?.task.specialistCount ?? 0;
  const totals = reductions.map((reduction) => new ReductionTotal(reduction, count));
  if (reductions.length === 0) return totals;
  const exprs = reductions.flatMap(exprsOf);
  for (const entry of entries) {
    const own = valuesOf(entry, options);
    const values = { ...own, perModel: { ...own.perModel, ...extra } };
    await forEachSlice(backend, entry, exprs, options, async (slice) => {
      const partials = await backend.reduce(slice, reductions, values);
      partials.forEach((partial, result) => totals[result]?.add(partial));
    });
  }
  return totals;
}
