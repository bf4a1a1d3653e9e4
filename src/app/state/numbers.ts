/** The number a person typed; undefined for nothing, for text, and for what is not finite. */
export function parsedNumber(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? undefined : value;
}

export function clamped(value: number, range: { min: number; max: number }): number {
  return Math.min(range.max, Math.max(range.min, value));
}

/** Four decimals: binary fractions such as 0.30000000000000004 do not reach a recipe. */
export function rounded(value: number): number {
  return Number(value.toFixed(4));
}
