import type { MergeBackend } from '../expr/backend';
import type { ColumnSource } from './columns';
import { mapAllFloats } from './map-floats';
import type { RowPass } from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, forEachSlice } from './pass-entry';
import { rowLengthOf } from './row-length';
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
    for (let at = 0; at < slice.elementCount;) {
      const place = slice.firstElement + at;
      const offset = place % rowLength;
      const end = at + Math.min(rowLength - offset, slice.elementCount - at);
      for (const [name, part] of Object.entries(parts)) {
        part.set(found[name]?.subarray(at, end) ?? [], offset);
      }
      const row = Math.floor(place / rowLength);
      if (offset + end - at === rowLength) numbers.set(row, pass.measure(parts, context));
      at = end;
    }
  });
  return numbers.columns((element) => Math.floor(element / rowLength));
}
