import type { FloatDtype } from '../core/dtype';
import type { MergeBackend } from '../expr/backend';
import type { MethodDefinition, MethodNumbers } from './method';
import { runPass } from './run-pass';
import type { MergeOptions, TensorTask } from './tensor-task';

/** What earlier passes over the whole model found for one tensor. */
export interface Measured {
  /** How many of the definition's passes are done. */
  readonly passCount: number;
  /** The task's own numbers and what those passes added. */
  readonly numbers: MethodNumbers;
}

/**
 * Merges one tensor: the definition's passes in order, then the output, slice by slice.
 * @param emit receives consecutive runs of the merged tensor's bytes, in order; it is awaited
 * @param measured from `measureModel`, needed when a pass has the scope `model`
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
  measured: Measured = { passCount: 0, numbers: task.numbers },
): Promise<void> {
  let numbers = measured.numbers;
  for (const pass of definition.passes.slice(measured.passCount)) {
    const added = await runPass(backend, pass, [{ task, numbers }], options);
    numbers = added[0] ?? numbers;
  }
  const values = { seed: options.seed, ...numbers };
  for (let index = 0; index < task.sliceCount; index++) {
    options.signal?.throwIfAborted();
    const slice = await task.openSlice(index, options.signal);
    try {
      const bytes = await backend.map(slice, definition.output, values, outDtype);
      await emit(bytes, slice.firstElement);
    } finally {
      task.closeSlice(slice, index);
    }
  }
}

/** Whether the definition ranks or sums over all tensors together. */
export function needsWholeModel(definition: MethodDefinition): boolean {
  return definition.passes.some((pass) => pass.scope === 'model');
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
  let numbers = tasks.map((task) => task.numbers);
  for (const pass of definition.passes.slice(0, passCount)) {
    const entries = tasks.map((task, index) => ({ task, numbers: numbers[index] ?? task.numbers }));
    if (pass.scope === 'model') {
      numbers = await runPass(backend, pass, entries, options);
      continue;
    }
    const next: MethodNumbers[] = [];
    for (const entry of entries) {
      next.push(...(await runPass(backend, pass, [entry], options)));
    }
    numbers = next;
  }
  return numbers.map((found) => ({ passCount, numbers: found }));
}
