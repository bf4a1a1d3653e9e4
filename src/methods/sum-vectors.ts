import type { MergeBackend } from '../expr/backend';
import type { ColumnSource } from './columns';
import { mapAllFloats } from './map-floats';
import type { VectorPass } from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, forEachSlice } from './pass-entry';
import { rowLengthOf } from './row-length';
import type { RowPart } from './row-parts';
import { rowPartsOf } from './row-parts';
import type { MergeOptions } from './tensor-task';
import { VectorNumbers } from './vector-numbers';

/** Runs a `vectors` pass. */
export async function sumVectors(
  backend: MergeBackend,
  pass: VectorPass,
  entry: PassEntry,
  options: MergeOptions,
): Promise<readonly ColumnSource[]> {
  const { task } = entry;
  const rowLength = rowLengthOf(task.shape);
  // The first axis of a vector is its last one too.
  const alongRows = pass.axis === 'last' || task.shape.length < 2;
  const vectorCount = alongRows ? task.elementCount / rowLength : rowLength;
  const sums = Object.fromEntries(
    Object.keys(pass.sums).map((name) => [name, new Float64Array(vectorCount)]),
  );
  await forEachSlice(backend, entry, Object.values(pass.sums), options, async (slice) => {
    const found = await mapAllFloats(backend, slice, pass.sums, entry, options);
    for (const [name, values] of Object.entries(found)) {
      const own = sums[name] ?? new Float64Array();
      for (const part of rowPartsOf(slice, rowLength)) {
        if (alongRows) addToOne(own, part, values);
        else addToEach(own, part, values);
      }
    }
  });
  const context = contextOf([entry]);
  const numbers = new VectorNumbers(vectorCount);
  for (let vector = 0; vector < vectorCount; vector++) {
    const own = Object.entries(sums).map(([name, list]) => [name, list[vector] ?? 0] as const);
    numbers.set(vector, pass.then(Object.fromEntries(own), context));
  }
  return numbers.columns({ rowLength, alongRows });
}

/** Adds the values of a part to the sum of its row. */
function addToOne(sums: Float64Array, { row, start, end }: RowPart, values: Float32Array): void {
  let sum = sums[row] ?? 0;
  for (let i = start; i < end; i++) sum += values[i] ?? NaN;
  sums[row] = sum;
}

/** Adds every value of a part to the sum of its column. */
function addToEach(
  sums: Float64Array,
  { column, start, end }: RowPart,
  values: Float32Array,
): void {
  const shift = column - start;
  for (let i = start; i < end; i++) sums[i + shift] = (sums[i + shift] ?? 0) + (values[i] ?? NaN);
}
