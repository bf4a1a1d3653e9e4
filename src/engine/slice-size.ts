import { dtypeSizesBytes, elementCountOf, type FloatDtype } from '../core/dtype';
import { chunkElements } from '../expr/backend';
import { rowLengthOf } from '../methods/row-length';
import type { DefinitionCost } from './definition-cost';

/** What decides how long the slices of a tensor may be. */
export interface SliceNeeds {
  /** Of one element, all models together. */
  readonly inputBytesPerElement: number;
  /** The same with computed inputs, at the moment when there are most. */
  readonly bytesPerElement: number;
  /** The same without those that only others are computed from. */
  readonly residentBytesPerElement: number;
  /** Slices begin at multiples of this. */
  readonly unitElements: number;
}

/**
 * Slices begin at a multiple of `chunkElements`, and at the beginning of a row where rows are ranked;
 * computed inputs take 4 bytes for every element and model.
 */
export function sliceNeedsOf(
  shape: readonly number[],
  sources: readonly { readonly dtype: FloatDtype }[],
  specialistCount: number,
  { columns, needsWholeRows }: DefinitionCost,
): SliceNeeds {
  const inputBytes = sources.reduce((sum, { dtype }) => sum + dtypeSizesBytes[dtype], 0);
  const columnBytes = 4 * (columns.shared + columns.perModel * specialistCount);
  const passingBytes = 4 * columns.passing * specialistCount;
  const rowLength = needsWholeRows ? rowLengthOf(shape) : 1;
  return {
    inputBytesPerElement: inputBytes,
    bytesPerElement: inputBytes + columnBytes,
    residentBytesPerElement: inputBytes + columnBytes - passingBytes,
    unitElements: leastCommonMultiple(chunkElements, rowLength),
  };
}

/** The largest slice that fits the budget; one unit at least, and no longer than the tensor. */
export function sliceElementsFor(
  shape: readonly number[],
  { bytesPerElement, unitElements }: SliceNeeds,
  budgetBytes: number,
): number {
  const units = Math.max(1, Math.floor(budgetBytes / bytesPerElement / unitElements));
  const elementCount = Math.max(1, elementCountOf(shape));
  // A tensor in one piece has the same slice whatever the method, so that it can stay loaded.
  return Math.min(units * unitElements, Math.ceil(elementCount / chunkElements) * chunkElements);
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
