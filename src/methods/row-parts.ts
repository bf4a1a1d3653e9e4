import type { LoadedSlice } from '../expr/backend';

/** Elements `start` to `end` of a slice: a row of the tensor, or what the slice holds of it. */
export interface RowPart {
  readonly row: number;
  /** Where the part begins in its row. */
  readonly column: number;
  readonly start: number;
  readonly end: number;
}

/** The rows of a slice in order; the first and the last may go on in its neighbours. */
export function rowPartsOf(
  { firstElement, elementCount }: LoadedSlice,
  rowLength: number,
): RowPart[] {
  const parts: RowPart[] = [];
  for (let start = 0; start < elementCount;) {
    const place = firstElement + start;
    const column = place % rowLength;
    const end = Math.min(start + rowLength - column, elementCount);
    parts.push({ row: Math.floor(place / rowLength), column, start, end });
    start = end;
  }
  return parts;
}
