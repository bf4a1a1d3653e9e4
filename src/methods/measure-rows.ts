import type { MergeBackend } from '../expr/backend';
import type { ColumnSource } from './columns';
import { mapAllFloats } from './map-floats';
import type { RowPass } from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, forEachSlice } from './pass-entry';
import { rowLengthOf } from './row-length';
import { rowPartsOf } from './row-parts';
import type { MergeOptions } from './tensor-task';
import { VectorNumbers } from './vector-numbers';

/** Runs a `rows` pass; a row may be split between slices. */
export async function measureRows(
  backend: MergeBackend,
  pass: RowPass,
  entry: PassEntry,
  options: MergeOptions,
): Promise<readonly ColumnSource[]> {
  const { task } = entry;
  const rowLength = rowLengthOf(task.shape);
  const rowCount = task.elementCount / rowLength;
  const context = contextOf([entry]);
  const numbers = new VectorNumbers(rowCount);
  // A row that goes on in the next slice is put together here.
  const parts = Object.fromEntries(
    Object.keys(pass.values).map((name) => [name, new Float32Array(rowLength)]),
  );
  await forEachSlice(backend, entry, Object.values(pass.values), options, async (slice) => {
    const found = await mapAllFloats(backend, slice, pass.values, entry, options);
    for (const { row, column, start, end } of rowPartsOf(slice, rowLength)) {
      for (const [name, part] of Object.entries(parts)) {
        part.set(found[name]?.subarray(start, end) ?? [], column);
      }
      if (column + end - start === rowLength) numbers.set(row, pass.measure(parts, context));
    }
  });
  return numbers.columns({ rowLength, alongRows: true });
}
