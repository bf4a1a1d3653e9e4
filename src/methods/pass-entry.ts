import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice, MergeBackend } from '../expr/backend';
import type { Expr } from '../expr/expr';
import type { ColumnSource } from './columns';
import { attachColumns, columnKeys } from './columns';
import type { MethodNumbers, Pass, PassContext, PassResult } from './method';
import { dependenceKey } from './pass-memory';
import type { MergeOptions, TensorTask } from './tensor-task';

/** A tensor and what is known of it so far. */
export interface PassEntry {
  readonly task: TensorTask;
  readonly numbers: MethodNumbers;
  readonly columns: readonly ColumnSource[];
}

/** What a pass found for one entry. */
export interface PassFindings extends PassResult {
  readonly columns?: readonly ColumnSource[];
}

/** The entry with what a pass found. */
export function extend(entry: PassEntry, found: PassFindings): PassEntry {
  const { task, numbers, columns } = entry;
  return {
    task,
    numbers: {
      scalars: { ...numbers.scalars, ...found.scalars },
      perModel: { ...numbers.perModel, ...found.perModel },
    },
    columns: [...columns, ...(found.columns ?? [])],
  };
}

/** What the host steps of a pass see: one tensor, or all of them as one. */
export function contextOf(entries: readonly PassEntry[]): PassContext {
  const [first] = entries;
  invariant(first, 'a pass has a tensor to run over');
  const isTensor = entries.length === 1;
  return {
    ...first.numbers,
    subject: isTensor ? `tensor ${first.task.name}` : 'the whole model',
    elementCount: entries.reduce((total, { task }) => total + task.elementCount, 0),
    specialistCount: first.task.specialistCount,
    shape: isTensor ? first.task.shape : [],
    layer: isTensor ? first.task.layer : undefined,
    role: isTensor ? first.task.role : undefined,
  };
}

/** The numbers of an entry as kernels read them. */
export function valuesOf({ numbers }: PassEntry, { seed }: MergeOptions): KernelValues {
  return { seed, scalars: numbers.scalars, perModel: numbers.perModel };
}

/**
 * Visits the slices of a tensor in order, with the columns attached that `exprs` read, and closes
 * each whatever happens.
 * @param isWanted picks slices by their numbers; all unless given
 */
export async function forEachSlice(
  backend: MergeBackend,
  { task, columns }: PassEntry,
  exprs: readonly Expr[],
  { signal }: MergeOptions,
  visit: (slice: LoadedSlice) => Promise<void>,
  isWanted: (index: number) => boolean = () => true,
): Promise<void> {
  for (let index = 0; index < task.sliceCount; index++) {
    if (!isWanted(index)) continue;
    signal?.throwIfAborted();
    const slice = await task.openSlice(index, signal);
    try {
      await attachColumns(backend, slice, columns, exprs);
      await visit(slice);
    } finally {
      task.closeSlice(slice, index);
    }
  }
}

/** Equal when the expressions would give the same values on the same weights. */
export function keyOf(entry: PassEntry, exprs: readonly Expr[], { seed }: MergeOptions): string {
  return `${dependenceKey(exprs, entry.numbers, seed)} ${columnKeys(entry.columns, exprs)}`;
}

/** What `measure` found, from memory if the weights and `key` are those of the last time. */
export async function recall<T>(
  { memory }: MergeOptions,
  entries: readonly PassEntry[],
  pass: Pass,
  key: string,
  measure: () => Promise<T>,
): Promise<T> {
  if (memory === undefined) return measure();
  return memory.recall(entries.map(({ task }) => task.name).join('\n'), pass, key, measure);
}
