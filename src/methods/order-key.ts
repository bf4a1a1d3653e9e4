import {
  abs,
  add,
  bits,
  f32,
  fromBits,
  ge,
  lt,
  negate,
  select,
  shiftLeft,
  shiftRight,
  sub,
  u32,
} from '../expr/build';
import type { Expr } from '../expr/expr';

const zeroKey = 2 ** 30;

/**
 * A positive number whose bits have the order of `a`, since ranks are of magnitudes: 2³⁰ plus or
 * minus half of |a|'s bits. Neighbouring floats may share a key.
 */
export function orderKey(a: Expr<'f32'>): Expr<'f32'> {
  const half = shiftRight(bits(abs(a)), 1);
  return fromBits(select(lt(a, f32(0)), sub(u32(zeroKey), half), add(u32(zeroKey), half)));
}

/** The number of least magnitude that has this key. */
export function fromOrderKey(key: Expr<'u32'>): Expr<'f32'> {
  const magnitude = (distance: Expr<'u32'>): Expr<'f32'> => fromBits(shiftLeft(distance, 1));
  const above = magnitude(sub(key, u32(zeroKey)));
  return select(ge(key, u32(zeroKey)), above, negate(magnitude(sub(u32(zeroKey), key))));
}
