import { invariant } from '../core/errors';
import type { KernelValues, MergeBackend } from '../expr/backend';
import { eq, magnitudeBits, perModelU32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import { ReductionTotal } from '../expr/reduction';
import type { MethodNumbers, Pass, PassContext, PassResult, ReducePass, TopPass } from './method';
import type { MergeOptions, TensorTask } from './tensor-task';
import { dependenceKey, topKey } from './pass-memory';
import type { RunReduction, Threshold } from './top-magnitudes';
import { everyIndex, findCuts, findThresholds } from './top-magnitudes';

/** A tensor and the numbers known for it so far. */
export interface PassEntry {
  readonly task: TensorTask;
  readonly numbers: MethodNumbers;
}

/**
 * Runs one pass over the entries together and returns each entry's numbers with what the pass
 * added. A single entry is a pass of scope `tensor`.
 */
export async function runPass(
  backend: MergeBackend,
  pass: Pass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<MethodNumbers[]> {
  return pass.kind === 'reduce'
    ? runReducePass(backend, pass, entries, options)
    : runTopPass(backend, pass, entries, options);
}

async function runReducePass(
  backend: MergeBackend,
  pass: ReducePass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<MethodNumbers[]> {
  const names = Object.keys(pass.reductions);
  const reductions = Object.values(pass.reductions);
  const exprs = reductions.flatMap(exprsOf);
  const key = entries.map(({ numbers }) => dependenceKey(exprs, numbers, options.seed)).join(';');
  const totals = await recall(options, entries, pass, key, async () => {
    const found = await reduceAll(backend, reductions, entries, options, {});
    return found.map((total) => total.numbers);
  });
  const named = Object.fromEntries(names.map((name, index) => [name, totals[index] ?? []]));
  const added = pass.then(named, contextOf(entries));
  return entries.map(({ numbers }) => extend(numbers, added));
}

function exprsOf(reduction: Reduction): readonly Expr[] {
  return reduction.kind === 'histogram' ? [reduction.bin, reduction.when] : [reduction.of];
}

async function recall<T>(
  { memory }: MergeOptions,
  entries: readonly PassEntry[],
  pass: Pass,
  key: string,
  measure: () => Promise<T>,
): Promise<T> {
  if (memory === undefined) return measure();
  return memory.recall(entries.map(({ task }) => task.name).join('\n'), pass, key, measure);
}

async function runTopPass(
  backend: MergeBackend,
  pass: TopPass,
  entries: readonly PassEntry[],
  options: MergeOptions,
): Promise<MethodNumbers[]> {
  const whole = contextOf(entries);
  const keep = keepCounts(pass, entries, whole);
  const key = entries.map(({ numbers }) => topKey(pass, keep, numbers, options.seed)).join(';');
  const found = await recall(options, entries, pass, key, () =>
    findTop(backend, pass, entries, keep, options),
  );
  return entries.map(({ numbers }, index) => extend(numbers, found[index] ?? {}));
}

/** Thresholds and cuts of every entry. */
async function findTop(
  backend: MergeBackend,
  pass: TopPass,
  entries: readonly PassEntry[],
  keep: readonly number[],
  options: MergeOptions,
): Promise<PassResult[]> {
  const run =
    (among: readonly PassEntry[]): RunReduction =>
    async (reduction, extra) => {
      const [total] = await reduceAll(backend, [reduction], among, options, extra);
      return total ?? new ReductionTotal(reduction, keep.length);
    };
  const { elementCount } = contextOf(entries);
  const thresholds = await findThresholds(run(entries), pass.of, keep, elementCount);
  const bits = thresholds.map((threshold) => threshold.bits);

  const found: PassResult[] = [];
  let left = thresholds.map((threshold) => threshold.tiesKept);
  for (const entry of entries) {
    let cut = thresholds.map(() => everyIndex);
    if (pass.ties === 'lowerIndexFirst') {
      const own =
        entries.length === 1 ? thresholds : await ownTies(run([entry]), pass.of, thresholds, left);
      cut = await findCuts(run([entry]), pass.of, own, entry.task.elementCount);
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

async function reduceAll(
  backend: MergeBackend,
  reductions: readonly Reduction[],
  entries: readonly PassEntry[],
  options: MergeOptions,
  extra: MethodNumbers['perModel'],
): Promise<ReductionTotal[]> {
  const count = entries[0]?.task.specialistCount ?? 0;
  const totals = reductions.map((reduction) => new ReductionTotal(reduction, count));
  if (reductions.length === 0) return totals;
  for (const { task, numbers } of entries) {
    const values: KernelValues = {
      seed: options.seed,
      scalars: numbers.scalars,
      perModel: { ...numbers.perModel, ...extra },
    };
    for (let index = 0; index < task.sliceCount; index++) {
      options.signal?.throwIfAborted();
      const slice = await task.openSlice(index, options.signal);
      try {
        const partials = await backend.reduce(slice, reductions, values);
        partials.forEach((partial, result) => totals[result]?.add(partial));
      } finally {
        task.closeSlice(slice, index);
      }
    }
  }
  return totals;
}

function contextOf(entries: readonly PassEntry[]): PassContext {
  const [first] = entries;
  invariant(first, 'a pass has a tensor to run over');
  return {
    ...first.numbers,
    subject: entries.length === 1 ? `tensor ${first.task.name}` : 'the whole model',
    elementCount: entries.reduce((total, { task }) => total + task.elementCount, 0),
    specialistCount: first.task.specialistCount,
  };
}

function extend(numbers: MethodNumbers, added: PassResult): MethodNumbers {
  return {
    scalars: { ...numbers.scalars, ...added.scalars },
    perModel: { ...numbers.perModel, ...added.perModel },
  };
}
