import type { MergeBackend } from '../expr/backend';
import { eq, magnitudeBits, perModelU32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import { ReductionTotal } from '../expr/reduction';
import { findCuts } from './find-cuts';
import type { PassContext, TopPass } from './method';
import type { PassEntry, PassFindings } from './pass-entry';
import { contextOf, extend, keyOf, recall } from './pass-entry';
import { reduceAll } from './reduce-all';
import type { MergeOptions } from './tensor-task';
import { findSampledThresholds } from './sampled-thresholds';
import type { RunReduction, Threshold } from './top-magnitudes';
import { everyIndex, findThresholds } from './top-magnitudes';

/** Adds the thresholds and cuts by which `isTop` knows the largest magnitudes. */
export async function runTopPass(
  backend: MergeBackend,
  pass: TopPass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<PassEntry[]> {
  const keep = keepCounts(pass, entries, contextOf(entries));
  const ranked = entries.map((entry) => keyOf(entry, [pass.of], options)).join(';');
  const found = await recall(options, entries, pass, `${keep.join()} ${ranked}`, () =>
    findTop(backend, pass, entries, keep, options),
  );
  return entries.map((entry, index) => extend(entry, found[index] ?? {}));
}

/** Thresholds and cuts of every entry. */
async function findTop(
  backend: MergeBackend,
  pass: TopPass,
  entries: readonly PassEntry[],
  keep: readonly number[],
  options: MergeOptions,
): Promise<PassFindings[]> {
  const run =
    (among: readonly PassEntry[]): RunReduction =>
    async (reduction, extra) => {
      const [total] = await reduceAll(backend, [reduction], among, options, extra);
      return total ?? new ReductionTotal(reduction, keep.length);
    };
  const { elementCount } = contextOf(entries);
  const isExact = pass.isQuantile === true;
  const [only] = entries;
  const isPartial = keep.every((k) => k > 0 && k < elementCount);
  // A device that counts in parallel is not helped by a sample, and each look at it takes time.
  const isSampled = only && entries.length === 1 && isPartial && backend.id !== 'webgpu';
  const sampled = isSampled
    ? await findSampledThresholds(backend, pass.of, only, options, keep)
    : undefined;
  const thresholds =
    sampled ?? (await findThresholds(run(entries), pass.of, keep, elementCount, isExact));
  const bits = thresholds.map((threshold) => threshold.bits);

  const found: PassFindings[] = [];
  let left = thresholds.map((threshold) => threshold.tiesKept);
  for (const entry of entries) {
    let cut = thresholds.map(() => everyIndex);
    if (pass.ties === 'lowerIndexFirst') {
      const own =
        entries.length === 1 ? thresholds : await ownTies(run([entry]), pass.of, thresholds, left);
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
  run: RunReduction,
  of: Expr<'f32'>,
  thresholds: readonly Threshold[],
  left: readonly number[],
): Promise<Threshold[]> {
  const isOpen = ({ tieCount, tiesKept }: Threshold): boolean => tiesKept < tieCount;
  if (!thresholds.some(isOpen)) return thresholds.map((all) => ({ ...all, tieCount: 0 }));
  const isTie = eq(magnitudeBits(of), perModelU32('radix.bits'));
  const total = await run(
    { kind: 'count', of: isTie, perModel: true },
    { 'radix.bits': thresholds.map(({ bits }) => bits) },
  );
  return thresholds.map((threshold, model) => {
    if (!isOpen(threshold)) return { ...threshold, tieCount: 0, tiesKept: 0 };
    const tieCount = total.numbers[model] ?? 0;
    return { ...threshold, tieCount, tiesKept: Math.min(tieCount, left[model] ?? 0) };
  });
}
