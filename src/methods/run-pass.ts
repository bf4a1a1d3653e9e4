import type { MergeBackend } from '../expr/backend';
import { exprsOf } from '../expr/reduction';
import type { Pass, ReducePass } from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, extend, keyOf, recall } from './pass-entry';
import { reduceAll } from './reduce-all';
import { runColumnPass } from './run-column-pass';
import { runTopPass } from './run-top-pass';
import { sampleQuantiles } from './sample-quantiles';
import type { MergeOptions } from './tensor-task';

/**
 * Runs one pass over the entries together and returns each entry with what the pass added. A single
 * entry is a pass of scope `tensor`.
 */
export async function runPass(
  backend: MergeBackend,
  pass: Pass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<PassEntry[]> {
  if (pass.kind === 'reduce') return runReducePass(backend, pass, entries, options);
  if (pass.kind === 'top') return runTopPass(backend, pass, entries, options);
  const extended: PassEntry[] = [];
  for (const entry of entries) {
    if (pass.kind === 'mergekitSample') {
      const scalars = await sampleQuantiles(backend, pass, entry, options);
      extended.push(extend(entry, { scalars }));
      continue;
    }
    const columns = await runColumnPass(backend, pass, entry, options);
    extended.push(extend(entry, { columns }));
  }
  return extended;
}

async function runReducePass(
  backend: MergeBackend,
  pass: ReducePass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<PassEntry[]> {
  const names = Object.keys(pass.reductions);
  const reductions = Object.values(pass.reductions);
  const exprs = reductions.flatMap(exprsOf);
  const key = entries.map((entry) => keyOf(entry, exprs, options)).join(';');
  const totals = await recall(options, entries, pass, key, async () => {
    const found = await reduceAll(backend, reductions, entries, options);
    return found.map((total) => total.numbers);
  });
  const named = Object.fromEntries(names.map((name, index) => [name, totals[index] ?? []]));
  const added = pass.then(named, contextOf(entries));
  return entries.map((entry) => extend(entry, added));
}
