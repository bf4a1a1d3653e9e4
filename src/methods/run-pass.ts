import { rowsOfAlike } from '../core/rows-of-alike';
import type { MergeBackend } from '../expr/backend';
import { exprsOf } from '../expr/reduction';
import type { Pass, ReducePass, TopPass } from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, extend, keyOf, recall } from './pass-entry';
import { reduceAll } from './reduce-all';
import { runColumnPass } from './run-column-pass';
import { runRankPass } from './run-rank-pass';
import { runTopPasses } from './run-top-pass';
import { sampleQuantiles } from './sample-quantiles';
import type { MergeOptions } from './tensor-task';

/**
 * Runs passes in order over the entries together and returns each entry with what they added. A
 * single entry is a tensor of its own, for passes of scope `tensor`. Passes in a row that look for the
 * largest of the same magnitudes do so at the same time.
 */
export async function runPasses(
  backend: MergeBackend,
  passes: readonly Pass[],
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<readonly PassEntry[]> {
  let extended = entries;
  for (const [first, ...others] of rowsOfAlike(passes, rankTheSame)) {
    if (first.kind === 'top') {
      const tops = others.filter((pass) => pass.kind === 'top');
      extended = await runTopPasses(backend, [first, ...tops], extended, options);
    } else {
      extended = await runPass(backend, first, extended, options);
    }
  }
  return extended;
}

type OtherPass = Exclude<Pass, TopPass>;

/** Whether both look for the largest of the same magnitudes. */
function rankTheSame(first: Pass, pass: Pass): boolean {
  const areTops = first.kind === 'top' && pass.kind === 'top';
  return areTops && first.of === pass.of && first.scope === pass.scope;
}

async function runPass(
  backend: MergeBackend,
  pass: OtherPass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<PassEntry[]> {
  if (pass.kind === 'reduce') return runReducePass(backend, pass, entries, options);
  const extended: PassEntry[] = [];
  for (const entry of entries) {
    if (pass.kind === 'rank') {
      extended.push(extend(entry, runRankPass(pass, entry, options)));
      continue;
    }
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
