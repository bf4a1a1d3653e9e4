/**
 * Every element type of the safetensors format (safetensors 0.6, `Dtype`), with its width. Packed
 * types below one byte are not among them.
 */
export const dtypeSizesBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type Dtype = keyof typeof dtypeSizesBytes;

/** The element types that can be merged. */
export type FloatDtype = 'BF16' | 'F16' | 'F32';

/** Whether `text` names an element type of the format. */
export function isDtype(text: string): text is Dtype {
  return Object.hasOwn(dtypeSizesBytes, text);
}

export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'BF16' || dtype === 'F16' || dtype === 'F32';
}

/** Number of elements of a shape; 1 for a scalar (`[]`), 0 if any axis is empty. */
export function elementCountOf(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
