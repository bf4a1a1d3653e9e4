/** Left to right, rounded to float32 at every step, as PyTorch sums a short float32 vector. */
export function sumInF32(values: readonly number[]): number {
  return values.reduce((total, value) => Math.fround(total + Math.fround(value)), 0);
}
