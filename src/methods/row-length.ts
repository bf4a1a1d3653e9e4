/** Length of a row: the last axis; a scalar or an empty tensor counts as one row. */
export function rowLengthOf(shape: readonly number[]): number {
  return Math.max(1, shape.at(-1) ?? 1);
}
