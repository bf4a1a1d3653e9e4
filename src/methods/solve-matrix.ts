import { invariant } from '../core/errors';
import type { MergeBackend } from '../expr/backend';
import { chooseAlgebra } from '../linalg/choose-algebra';
import type { ColumnSource } from './columns';
import { elementColumn } from './columns';
import { mapFloats } from './map-floats';
import type { Matrix, MatrixPass } from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, forEachSlice } from './pass-entry';
import type { MergeOptions } from './tensor-task';

/** Runs a `matrix` pass. */
export async function solveMatrix(
  backend: MergeBackend,
  pass: MatrixPass,
  entry: PassEntry,
  options: MergeOptions,
): Promise<readonly ColumnSource[]> {
  const { task } = entry;
  const [rowCount = 0, columnCount = 0] = task.shape;
  invariant(task.shape.length === 2, `${task.name} is a matrix`);
  const matrices = Array.from({ length: task.specialistCount }, (): Matrix => ({
    rowCount,
    columnCount,
    values: new Float32Array(task.elementCount),
  }));
  await forEachSlice(backend, entry, [pass.of], options, async (slice) => {
    for (const [model, matrix] of matrices.entries()) {
      const values = await mapFloats(backend, slice, pass.of, entry, options, model);
      matrix.values.set(values, slice.firstElement);
    }
  });
  const context = contextOf([entry]);
  const solved = await pass.solve(matrices, context, options.signal, async (shape) =>
    chooseAlgebra(backend.id, shape),
  );
  invariant(solved.length === task.elementCount, `the solution of ${task.name} has its shape`);
  return [elementColumn(pass.name, solved)];
}
