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
  for (const inRow of rowsOf(passes)) {
    extended = Array.isArray(inRow)
      ? await runTopPasses(backend, inRow, extended, options)
      : await runPass(backend, inRow, extended, options);
  }
  return extended;
}

type OtherPass = Exclude<Pass, TopPass>;

/** The passes in order, with those side by side that rank the same magnitudes in the same scope. */
function rowsOf(passes: readonly Pass[]): (OtherPass | [TopPass, ...TopPass[]])[] {
  const rows: (OtherPass | [TopPass, ...TopPass[]])[] = [];
  for (const pass of passes) {
    if (pass.kind !== 'top') {
      rows.push(pass);
      continue;
    }
    const last = rows.at(-1);
    const isAlike = Array.isArray(last) && last[0].of === pass.of && last[0].scope === pass.scope;
    if (isAlike) last.push(pass);
    else rows.push([pass]);
  }
  return rows;
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
