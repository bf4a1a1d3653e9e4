import { narrowFloats } from './narrow-floats';
import { quantise4, quantise8 } from './quantise-blocks';
import type { PlannedWeight, WeightPart } from './weight-plan';

/** Bytes of one part of a weight. */
export interface EncodedPart {
  readonly part: WeightPart;
  readonly bytes: Uint8Array;
}

/** Whole rows of a weight in the form in which the graph wants them, one entry a part. */
export function encodeRows(weight: PlannedWeight, read: Float32Array): EncodedPart[] {
  const { addend } = weight;
  const values = addend === 0 ? read : read.map((value) => value + addend);
  const byRole = encodedBy(weight, values);
  return weight.parts.map((part) => {
    const view = byRole[part.role] ?? values;
    return { part, bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) };
  });
}

function encodedBy(
  { encoding, columns }: PlannedWeight,
  values: Float32Array,
): Partial<Record<WeightPart['role'], ArrayBufferView>> {
  const rows = values.length / columns;
  switch (encoding) {
    case 'fp32':
      return { values };
    case 'fp16':
      return { values: narrowFloats(values) };
    case 'q8':
      return { ...quantise8(values, rows, columns) };
    case 'q4': {
      const quantised = quantise4(values, rows, columns);
      return { ...quantised, scales: narrowFloats(quantised.scales) };
    }
  }
}
