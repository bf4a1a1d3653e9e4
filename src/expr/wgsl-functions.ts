/** Functions of WGSL that kernels need, printed only where they are used. */

/** Widening is exact. `model` counts the base as 0 if there is one; `i` counts from the slice. */
export const wgslLoads = {
  BF16: `fn loadBf16(model: u32, i: u32) -> f32 {
  let pair = weights[params.offset[model] + (i >> 1u)];
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (i & 1u) == 1u));
}`,
  F16: `fn loadF16(model: u32, i: u32) -> f32 {
  return unpack2x16float(weights[params.offset[model] + (i >> 1u)])[i & 1u];
}`,
  F32: `fn loadF32(model: u32, i: u32) -> f32 {
  return bitcast<f32>(weights[params.offset[model] + i]);
}`,
} as const;

/** WGSL leaves the rounding of pack2x16float open, hence integers. */
export const wgslRounds = {
  BF16: `// To the nearest bf16, ties to even; NaN stays NaN.
fn roundBf16(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  if ((word & 0x7fffffffu) > 0x7f800000u) { return (word >> 16u) | 0x40u; }
  return (word + 0x7fffu + ((word >> 16u) & 1u)) >> 16u;
}`,
  F16: `// To the nearest f16, ties to even; NaN stays NaN, 65520 and above become infinity.
fn roundF16(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  let sign = (word >> 16u) & 0x8000u;
  let magnitude = word & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  // Below 2^-14 the result is subnormal: adding 0.5 leaves the rounded fraction in the low bits.
  if (magnitude < 0x38800000u) { return sign | (bitcast<u32>(abs(x) + 0.5) - 0x3f000000u); }
  return sign | ((magnitude + 0xfffu + ((magnitude >> 13u) & 1u) - 0x38000000u) >> 13u);
}`,
} as const;

export const wgslRandom = `// Four random words from four counters: pcg4d, Jarzynski and Olano 2020, JCGT 9-3.
fn pcg4d(counters: vec4u) -> vec4u {
  var v = counters * 1664525u + 1013904223u;
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  return v;
}

// Four models in a row share one hash.
fn randomWord(element: u32, number: u32) -> u32 {
  return pcg4d(vec4u(element, number / 4u, params.tensorKey, params.seed))[number % 4u];
}`;

/**
 * Knuth's two-sum. A compiler that may reorder floating-point operations would find the error term to
 * be zero; the exclusive or with a zero that only the host knows keeps it from looking through.
 */
export const wgslPairSum = `
fn exactly(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ params.zero); }

// The sum of two numbers that are each given as a high and a low part.
fn addPair(a: vec2f, b: vec2f) -> vec2f {
  let high = exactly(a.x + b.x);
  // Infinity and NaN have no error term.
  if ((bitcast<u32>(high) & 0x7f800000u) == 0x7f800000u) { return vec2f(high, 0.0); }
  let part = exactly(high - a.x);
  let error = exactly(a.x - exactly(high - part)) + exactly(b.x - part);
  let low = exactly(error + exactly(a.y + b.y));
  let sum = exactly(high + low);
  return vec2f(sum, exactly(low - exactly(sum - high)));
}
`;
