const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

/** The float32 whose bit pattern is `bits`. */
export function f32FromBits(bits: number): number {
  word[0] = bits;
  return single[0] as number;
}

/** The bit pattern of `value` rounded to float32. NaN payloads are whatever the engine keeps. */
export function f32ToBits(value: number): number {
  single[0] = value;
  return word[0] as number;
}

/** bfloat16 is the upper half of a float32, so widening is exact. */
export function bf16ToF32(bits: number): number {
  return f32FromBits(bits << 16);
}

/**
 * Rounds to bfloat16, to nearest with ties to even; overflow gives infinity, NaN stays a (quiet)
 * NaN. Equals PyTorch's `float32 → bfloat16` on every input but NaN payloads.
 */
export function f32ToBf16(value: number): number {
  const bits = f32ToBits(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Widens an IEEE binary16, subnormals, infinities and NaN included; exact. */
export function f16ToF32(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return f32FromBits(sign | 0x7f800000 | (fraction << 13));
  if (exponent === 0) {
    const magnitude = fraction * 2 ** -24;
    return sign === 0 ? magnitude : -magnitude;
  }
  return f32FromBits(sign | ((exponent + 112) << 23) | (fraction << 13));
}

/** Rounds a float32 to IEEE binary16, to nearest with ties to even. */
export function f32ToF16(value: number): number {
  const bits = f32ToBits(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is the midpoint between the largest half, 65504, and the next step: it rounds to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 the result is subnormal: adding 0.5 leaves the rounded fraction in the low bits.
    const shifted = f32ToBits(f32FromBits(magnitude) + 0.5);
    return sign | (shifted - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}
