import { f32ToBits } from '../core/float-bits';
import type { Step } from './program';
import type { Lanes, VectorOp } from './wasm-code';

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
  negate: 'f32x4Neg',
  abs: 'f32x4Abs',
  sqrt: 'f32x4Sqrt',
  floor: 'f32x4Floor',
  eq: 'f32x4Eq',
  ne: 'f32x4Ne',
  lt: 'f32x4Lt',
  le: 'f32x4Le',
  gt: 'f32x4Gt',
  ge: 'f32x4Ge',
};

/** Vector instructions of unsigned operations. */
export const wordOps: Partial<Record<Step['op'], VectorOp>> = {
  add: 'i32x4Add',
  sub: 'i32x4Sub',
  mul: 'i32x4Mul',
  min: 'i32x4MinU',
  max: 'i32x4MaxU',
  eq: 'i32x4Eq',
  ne: 'i32x4Ne',
  lt: 'i32x4LtU',
  le: 'i32x4LeU',
  gt: 'i32x4GtU',
  ge: 'i32x4GeU',
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
