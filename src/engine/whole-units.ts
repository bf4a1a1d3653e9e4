import type { ByteRange } from '../formats/checkpoint-reader';

/** The units of a tensor that hold a range of its bytes. */
export interface WholeUnits {
  /** First unit and the one after the last. */
  readonly first: number;
  readonly end: number;
  /** The range, out of the bytes of these units. */
  readonly cut: (bytes: Uint8Array) => Uint8Array;
}

/**
 * Widens a range of bytes to whole units, such as elements or rows: what is computed a unit at a time
 * can be read at any byte.
 * @param range the whole tensor without it
 */
export function wholeUnits(
  sizeBytes: number,
  unitBytes: number,
  range: ByteRange = { offsetBytes: 0, lengthBytes: sizeBytes },
): WholeUnits {
  const { offsetBytes, lengthBytes } = range;
  const first = Math.floor(offsetBytes / unitBytes);
  const lastEnd = Math.min(offsetBytes + lengthBytes, sizeBytes);
  const end = lengthBytes === 0 ? first : Math.ceil(lastEnd / unitBytes);
  const begin = offsetBytes - first * unitBytes;
  return { first, end, cut: (bytes) => bytes.subarray(begin, begin + lengthBytes) };
}
