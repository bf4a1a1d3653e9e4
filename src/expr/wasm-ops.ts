import { f32ToBits } from '../core/float-bits';
import type { Step } from './program';
import type { Lanes, VectorOp } from './wasm-code';

export const signBit = 0x80000000;
/** The largest word that is not negative when signed. */
export const largestSigned = 0x7fffffff;

/** Bits of 1 and -1. */
export const one = 0x3f800000;
export const minusOne = 0xbf800000;

/** Vector instructions of float operations. */
export const floatOps: Partial<Record<Step['op'], VectorOp>> = {
  add: 'f32x4Add',
  sub: 'f32x4Sub',
  mul: 'f32x4Mul',
  div: 'f32x4Div',
  min: 'f32x4Min',
  max: 'f32x4Max',
  sqrt: 'f32x4Sqrt',
  floor: 'f32x4Floor',
  eq: 'f32x4Eq',
  ne: 'f32x4Ne',
  lt: 'f32x4Lt',
  le: 'f32x4Le',
  gt: 'f32x4Gt',
  ge: 'f32x4Ge',
};

/** Vector instructions of operations on words. */
export const wordOps: Partial<Record<Step['op'], VectorOp>> = {
  add: 'i32x4Add',
  sub: 'i32x4Sub',
  mul: 'i32x4Mul',
  min: 'i32x4MinU',
  max: 'i32x4MaxU',
  eq: 'i32x4Eq',
  ne: 'i32x4Ne',
};

/** Comparisons of words that were made to order as signed ones: unsigned they take three machine instructions. */
export const signedOrders: Partial<Record<Step['op'], VectorOp>> = {
  lt: 'i32x4LtS',
  le: 'i32x4LeS',
  gt: 'i32x4GtS',
  ge: 'i32x4GeS',
};

/** The same for words and for masks of all ones or zeros. */
export const maskOps: Partial<Record<Step['op'], VectorOp>> = {
  and: 'v128And',
  or: 'v128Or',
  xor: 'v128Xor',
};

/** Four times the same word. */
export function lanes(word: number): Lanes {
  return [word, word, word, word];
}

/** The word that stands for a constant: its bits, or all ones for true. */
export function constantWord({ type, value }: Step): number {
  if (type === 'f32') return f32ToBits(value);
  if (type === 'bool') return value === 1 ? 0xffffffff : 0;
  return value;
}
