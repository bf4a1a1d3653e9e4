import type { FloatDtype } from '../core/dtype';
import { rowsOfAlike } from '../core/rows-of-alike';
import type { LoadedSlice, MergeBackend } from '../expr/backend';
import type { MethodDefinition, MethodNumbers } from './method';
import type { ColumnSource } from './columns';
import type { PassEntry } from './pass-entry';
import { forEachSlice, valuesOf } from './pass-entry';
import { runPasses } from './run-pass';
import type { MergeOptions, TensorTask } from './tensor-task';

/** What earlier passes over the whole model found for one tensor. */
export interface Measured {
  /** How many of the definition's passes are done. */
  readonly passCount: number;
  /** The task's own numbers and what those passes added. */
  readonly numbers: MethodNumbers;
  readonly columns: readonly ColumnSource[];
}

/**
 * Runs a definition's passes over one tensor.
 * @param measured from `measureModel`, needed when a pass has the scope `model`
 * @returns what `mergeTensor` wants to compute the output alone, of all slices or of some
 * @throws LabError as `mergeTensor`
 */
export async function measureTensor(
  backend: MergeBackend,
  definition: MethodDefinition,
  task: TensorTask,
  options: MergeOptions,
  measured: Measured = unmeasured(task),
): Promise<Measured> {
  const start: PassEntry = { task, numbers: measured.numbers, columns: measured.columns };
  const passes = definition.passes.slice(measured.passCount);
  const [entry = start] = await runPasses(backend, passes, [start], options);
  const { numbers, columns } = entry;
  return { passCount: definition.passes.length, numbers, columns };
}

/**
 * Merges one tensor: the definition's passes in order, then the output, slice by slice.
 * @param emit receives consecutive runs of the merged tensor's bytes, in order; it is awaited
 * @param measured from `measureTensor` or `measureModel`, needed when a pass has the scope `model`
 * @throws LabError `recipe/bad-value` from a method's checks, and whatever the back end and the
 * slices throw; an abort rejects with `signal.reason` and leaves no slice open
 */
export async function mergeTensor(
  backend: MergeBackend,
  definition: MethodDefinition,
  task: TensorTask,
  outDtype: FloatDtype,
  emit: (bytes: Uint8Array, firstElement: number) => void | Promise<void>,
  options: MergeOptions,
  measured: Measured = unmeasured(task),
): Promise<void> {
  const { numbers, columns } = await measureTensor(backend, definition, task, options, measured);
  const entry: PassEntry = { task, numbers, columns };
  const { output } = definition;
  const values = valuesOf(entry, options);
  const { fromSlice = 0 } = options;
  const visit = async (slice: LoadedSlice): Promise<void> => {
    const bytes = await backend.map(slice, output, values, outDtype);
    await emit(bytes, slice.firstElement);
  };
  const isWanted = (index: number): boolean => index >= fromSlice;
  await forEachSlice(backend, entry, [output], options, visit, isWanted);
}

function unmeasured({ numbers }: TensorTask): Measured {
  return { passCount: 0, numbers, columns: [] };
}

/**
 * Runs the passes up to the last one of scope `model` over all tensors, in the given order, which
 * also decides ties between equal magnitudes of different tensors.
 * @returns what `mergeTensor` wants, one entry per task, in order
 */
export async function measureModel(
  backend: MergeBackend,
  definition: MethodDefinition,
  tasks: readonly TensorTask[],
  options: MergeOptions,
): Promise<Measured[]> {
  const passCount = definition.passes.findLastIndex((pass) => pass.scope === 'model') + 1;
  let entries: readonly PassEntry[] = tasks.map((task) => ({
    task,
    numbers: task.numbers,
    columns: [],
  }));
  const passes = definition.passes.slice(0, passCount);
  for (const inRow of rowsOfAlike(passes, (first, pass) => first.scope === pass.scope)) {
    if (inRow[0].scope === 'model') {
      entries = await runPasses(backend, inRow, entries, options);
      continue;
    }
    const extended: PassEntry[] = [];
    for (const entry of entries) {
      extended.push(...(await runPasses(backend, inRow, [entry], options)));
    }
    entries = extended;
  }
  return entries.map(({ numbers, columns }) => ({ passCount, numbers, columns }));
}
