import {
  abs,
  add,
  and,
  bits,
  div,
  f32,
  floor,
  fromBits,
  gt,
  le,
  lt,
  max,
  min,
  mul,
  or,
  select,
  shiftLeft,
  shiftRight,
  sqrt,
  sub,
  toF32,
  u32,
} from './build';
import type { Expr } from './expr';

/**
 * Functions made of basic operations alone, each of which rounds once everywhere: WASM equals the
 * oracle bit for bit, which no engine's own `exp` would promise. A GPU may contract and so differ in
 * the last place. Polynomials are minimax fits of our own (Remez exchange in 40 digits); the error
 * bounds are against float64 and tested.
 */

type F32 = Expr<'f32'>;

/** Σ cₖ·xᵏ by Horner's rule; coefficients from the constant up. */
function polynomial(x: F32, coefficients: readonly number[]): F32 {
  const [last = 0, ...rest] = coefficients.toReversed();
  return rest.reduce((sum, coefficient) => add(mul(sum, x), f32(coefficient)), f32(last));
}

/** ln 2 = high + low, where the nine bits of high times any exponent are exact in float32. */
const ln2High = 355 / 512;
const ln2Low = Math.LN2 - ln2High;
/** An integer below 2²² added to it lands in the low bits of the float: truncation without a cast. */
const integerOffset = 1.5 * 2 ** 23;
const exponentBias = 127;

/** 2ⁿ for a whole n from -126 to 127. */
function powerOfTwo(n: F32): F32 {
  return fromBits(shiftLeft(bits(add(n, f32(integerOffset + exponentBias))), 23));
}

/**
 * eˣ within 1 ulp. Infinity from 88.73 on, 0 below -103.98, NaN for NaN; gradual in between where
 * the device has subnormals.
 *
 * x = n·ln 2 + r with |r| ≤ ln 2 / 2, and eʳ = 1 + r + r²·P(r) (Cody and Waite 1980, ch. 6). 2ⁿ is
 * applied in two halves because n runs from -150 to 128.
 */
export function exp(x: F32): F32 {
  const limited = min(max(x, f32(-104)), f32(89));
  const n = floor(add(mul(limited, f32(Math.LOG2E)), f32(0.5)));
  const r = sub(sub(limited, mul(n, f32(ln2High))), mul(n, f32(ln2Low)));
  const tail = polynomial(
    r,
    [0.499999934476, 0.166665206313, 0.0416683880787, 0.00836871691635, 0.00138145972371],
  );
  const power = add(add(mul(tail, mul(r, r)), r), f32(1));
  const half = floor(mul(n, f32(0.5)));
  return mul(mul(power, powerOfTwo(half)), powerOfTwo(sub(n, half)));
}

const oneBits = 0x3f800000;
const sqrtHalfBits = 0x3f3504f3;
const smallestNormal = 2 ** -126;

/**
 * ln x within 1 ulp, subnormals included where the device has them. -Infinity for ±0, NaN below 0
 * and for NaN, Infinity for Infinity.
 *
 * x = 2ᵉ·(1 + f) with 1 + f from √½ to √2; with s = f / (2 + f) and z = s²,
 * ln(1 + f) = 2s + s³·Q(z) = f − s·(f − z·Q(z)).
 */
export function log(x: F32): F32 {
  const isTiny = lt(x, f32(smallestNormal));
  const normal = select(isTiny, mul(x, f32(2 ** 23)), x);
  const shifted = add(bits(normal), u32(oneBits - sqrtHalfBits));
  const bias = select(isTiny, f32(exponentBias + 23), f32(exponentBias));
  const exponent = sub(toF32(shiftRight(shifted, 23)), bias);
  const f = sub(fromBits(add(and(shifted, u32(0x7fffff)), u32(sqrtHalfBits))), f32(1));
  const s = div(f, add(f32(2), f));
  const z = mul(s, s);
  const tail = mul(z, polynomial(z, [0.666667764152, 0.399775369677, 0.298718625672]));
  const fraction = sub(f, mul(s, sub(f, tail)));
  const finite = add(mul(exponent, f32(ln2High)), add(fraction, mul(exponent, f32(ln2Low))));
  // A division by zero and the root of a negative number, since shaders know no such constants.
  const atMostZero = add(div(f32(-1), abs(x)), sqrt(x));
  const positive = select(le(x, f32(3.4028234663852886e38)), finite, x);
  return select(gt(x, f32(0)), positive, select(le(x, f32(0)), atMostZero, x));
}

/**
 * tanh x within 2 ulp; ±1 from |x| = 9.02 on, ±0 for ±0, NaN for NaN.
 *
 * x + x·z·P(z) with z = x² up to |x| = 0.625, beyond it 1 − 2 / (e^2|x| + 1) with the sign of x.
 */
export function tanh(x: F32): F32 {
  const magnitude = abs(x);
  const z = mul(magnitude, magnitude);
  const tail = polynomial(
    z,
    [-0.333332839253, 0.133314912887, -0.0537434982112, 0.0206505876963, -0.00571704547796],
  );
  const small = add(magnitude, mul(magnitude, mul(z, tail)));
  const power = exp(mul(min(magnitude, f32(10)), f32(2)));
  const large = sub(f32(1), div(f32(2), add(power, f32(1))));
  const unsigned = select(lt(magnitude, f32(0.625)), small, large);
  return fromBits(or(bits(unsigned), and(bits(x), u32(0x80000000))));
}
