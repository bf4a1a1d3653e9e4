import type { KernelValues, LoadedSlice, MergeBackend } from './backend';
import type { Expr } from './expr';

/**
 * Ranks of the magnitudes in every row: 0 for the smallest, equal ones in the order of their places,
 * NaN last. The oracle: a plain stable sort.
 * @param values whole rows of `rowLength`, one after another
 */
export function rankRows(values: Float32Array, rowLength: number): Float32Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const ranks = new Float32Array(values.length);
  for (let first = 0; first < values.length; first += rowLength) {
    const magnitudes = Array.from(words.subarray(first, first + rowLength), (word) =>
      Math.min(word & 0x7fffffff, 0x7f800001),
    );
    const order = magnitudes.map((_, place) => place);
    order.sort((a, b) => (magnitudes[a] ?? 0) - (magnitudes[b] ?? 0) || a - b);
    order.forEach((place, rank) => {
      ranks[first + place] = rank;
    });
  }
  return ranks;
}

/** `MergeBackend.rankRows` on the host, for back ends without a kernel of their own. */
export async function rankRowsOnHost(
  backend: MergeBackend,
  slice: LoadedSlice,
  name: string,
  of: Expr<'f32'>,
  values: KernelValues,
  rowLength: number,
): Promise<void> {
  const columns: Float32Array[] = [];
  for (let model = 0; model < slice.specialistCount; model++) {
    const bytes = await backend.map(slice, of, values, 'F32', model);
    columns.push(rankRows(new Float32Array(bytes.buffer, bytes.byteOffset), rowLength));
  }
  await backend.attach(slice, name, columns);
}
