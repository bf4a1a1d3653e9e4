import type { MergeBackend } from '../expr/backend';
import { eq, magnitudeBits, perModelU32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import { findCuts } from './find-cuts';
import type { RunReductions } from './lockstep';
import { inLockstep } from './lockstep';
import type { PassContext, TopPass } from './method';
import type { PassEntry, PassFindings } from './pass-entry';
import { contextOf, extend, keyOf, recall } from './pass-entry';
import { reduceAll } from './reduce-all';
import type { MergeOptions } from './tensor-task';
import { findSampledThresholds, sampleOf } from './sampled-thresholds';
import type { Threshold } from './top-magnitudes';
import { everyIndex, findThresholds } from './top-magnitudes';

/** Passes that rank the same magnitudes. */
export type TopPasses = readonly [TopPass, ...TopPass[]];

/**
 * Adds the thresholds and cuts by which `isTop` knows the largest magnitudes.
 * @param passes of the same magnitudes and scope; they look at the weights together
 */
export async function runTopPasses(
  backend: MergeBackend,
  passes: TopPasses,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<PassEntry[]> {
  const whole = contextOf(entries);
  const keeps = passes.map((pass) => keepCounts(pass, entries, whole));
  const [first] = passes;
  const ranked = entries.map((entry) => keyOf(entry, [first.of], options)).join(';');
  const key = `${keeps.join(' ')} ${ranked}`;
  const found = await recall(options, entries, first, key, () =>
    findTops(backend, passes, entries, keeps, options),
  );
  return entries.map((entry, index) =>
    found.reduce((extended, ofPass) => extend(extended, ofPass[index] ?? {}), entry),
  );
}

/** Thresholds and cuts, for every pass those of every entry. */
async function findTops(
  backend: MergeBackend,
  passes: TopPasses,
  entries: readonly PassEntry[],
  keeps: readonly (readonly number[])[],
  options: MergeOptions,
): Promise<PassFindings[][]> {
  const [{ of }] = passes;
  const { elementCount } = contextOf(entries);
  const isPartial = (k: number): boolean => k > 0 && k < elementCount;
  const [only] = entries;
  // A device that counts in parallel is not helped by a sample, and each look at it takes time.
  const isSampled =
    entries.length === 1 && keeps.flat().every(isPartial) && backend.id !== 'webgpu';
  const sample = only && isSampled ? await sampleOf(backend, of, only, options) : undefined;
  const all: RunReductions = (reductions, extra) =>
    reduceAll(backend, reductions, entries, options, extra);
  const thresholds = await inLockstep(passes.length, async (index, share) => {
    const search = { index, keep: keeps[index] ?? [] };
    const run = share(all);
    if (sample !== undefined) {
      const own = { ...sample, run: share(sample.run) };
      const found = await findSampledThresholds(run, of, search, own, elementCount);
      if (found !== undefined) return found;
    }
    return findThresholds(run, of, search, elementCount, passes[index]?.isQuantile === true);
  });
  const found: PassFindings[][] = [];
  for (const [index, pass] of passes.entries()) {
    found.push(await cutTies(backend, pass, entries, thresholds[index] ?? [], options));
  }
  return found;
}

/** What a pass found for every entry: thresholds, and where ties with them are cut. */
async function cutTies(
  backend: MergeBackend,
  pass: TopPass,
  entries: readonly PassEntry[],
  thresholds: readonly Threshold[],
  options: MergeOptions,
): Promise<PassFindings[]> {
  const bits = thresholds.map((threshold) => threshold.bits);
  const found: PassFindings[] = [];
  let left = thresholds.map((threshold) => threshold.tiesKept);
  for (const entry of entries) {
    let cut = thresholds.map(() => everyIndex);
    if (pass.ties === 'lowerIndexFirst') {
      const run: RunReductions = (reductions, extra) =>
        reduceAll(backend, reductions, [entry], options, extra);
      const own = entries.length === 1 ? thresholds : await ownTies(run, pass.of, thresholds, left);
      cut = await findCuts(backend, pass.of, entry, options, own);
      left = left.map((count, model) => count - (own[model]?.tiesKept ?? 0));
    }
    found.push({ perModel: { [`${pass.name}.bits`]: bits, [`${pass.name}.cut`]: cut } });
  }
  return found;
}

/** How many elements each specialist keeps, over all entries together. */
function keepCounts(
  pass: TopPass,
  entries: readonly PassEntry[],
  whole: PassContext,
): readonly number[] {
  const models = Array.from({ length: whole.specialistCount }, (_, model) => model);
  // One density for all: rounded once, as for a single flat vector. Else each tensor counts its own.
  const texts = new Set(entries.map(({ task }) => JSON.stringify(task.numbers)));
  if (texts.size <= 1) return models.map((model) => pass.keep(model, whole));
  const contexts = entries.map((entry) => contextOf([entry]));
  return models.map((model) =>
    contexts.reduce((total, context) => total + pass.keep(model, context), 0),
  );
}

/** The part of the ties that lies in one tensor; `left` are those that earlier tensors left over. */
async function ownTies(
  run: RunReductions,
  of: Expr<'f32'>,
  thresholds: readonly Threshold[],
  left: readonly number[],
): Promise<Threshold[]> {
  const isOpen = ({ tieCount, tiesKept }: Threshold): boolean => tiesKept < tieCount;
  if (!thresholds.some(isOpen)) return thresholds.map((all) => ({ ...all, tieCount: 0 }));
  const isTie = eq(magnitudeBits(of), perModelU32('radix.bits'));
  const [total] = await run([{ kind: 'count', of: isTie, perModel: true }], {
    'radix.bits': thresholds.map(({ bits }) => bits),
  });
  return thresholds.map((threshold, model) => {
    if (!isOpen(threshold)) return { ...threshold, tieCount: 0, tiesKept: 0 };
    const tieCount = total?.numbers[model] ?? 0;
    return { ...threshold, tieCount, tiesKept: Math.min(tieCount, left[model] ?? 0) };
  });
}
