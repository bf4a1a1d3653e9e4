import type { FloatDtype } from '../core/dtype';
import { abs, add, and, bits, f32, ge, gt, lt, or, select, shiftRight, sub, u32 } from './build';
import type { Expr } from './expr';

/**
 * What is stored for a value: the low 16 bits of a word, or all 32. Rounds to nearest even by
 * integer arithmetic, like `f32ToBf16` and `f32ToF16` of core.
 */
export function storedWord(value: Expr<'f32'>, dtype: FloatDtype): Expr<'u32'> {
  if (dtype === 'F32') return bits(value);
  return dtype === 'BF16' ? storedBf16(value) : storedF16(value);
}

function storedBf16(value: Expr<'f32'>): Expr<'u32'> {
  const word = bits(value);
  const lastKept = and(shiftRight(word, 16), u32(1));
  const rounded = shiftRight(add(add(word, u32(0x7fff)), lastKept), 16);
  const quietNan = or(shiftRight(word, 16), u32(0x40));
  return select(gt(and(word, u32(0x7fffffff)), u32(0x7f800000)), quietNan, rounded);
}

function storedF16(value: Expr<'f32'>): Expr<'u32'> {
  const word = bits(value);
  const magnitude = and(word, u32(0x7fffffff));
  const lastKept = and(shiftRight(magnitude, 13), u32(1));
  const rounded = add(add(magnitude, u32(0xfff)), lastKept);
  const normal = shiftRight(sub(rounded, u32(0x38000000)), 13);
  // Below 2^-14 the result is subnormal: adding 0.5 leaves the rounded fraction in the low bits.
  const subnormal = sub(bits(add(abs(value), f32(0.5))), u32(0x3f000000));
  const finite = select(lt(magnitude, u32(0x38800000)), subnormal, normal);
  // 65520 is the midpoint between the largest half, 65504, and the next step.
  const bounded = select(ge(magnitude, u32(0x477ff000)), u32(0x7c00), finite);
  const unsigned = select(gt(magnitude, u32(0x7f800000)), u32(0x7e00), bounded);
  return or(unsigned, and(shiftRight(word, 16), u32(0x8000)));
}
