/** The number a person typed; undefined for nothing, for text, and for what is not finite. */
export function parsedNumber(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? undefined : value;
}

export function clamped(value: number, range: { min: number; max: number }): number {
  return Math.min(range.max, Math.max(range.min, value));
}

/**
 * As many decimals as the steps of a range need, four at least: binary fractions such as
 * 0.30000000000000004 do not reach a recipe.
 */
export function rounded(value: number, step = 1): number {
  const decimals = Math.max(4, Math.ceil(-Math.log10(step)) + 1);
  return Number(value.toFixed(Math.min(decimals, 20)));
}

/** The large step of a range, for Shift with an arrow: a tenth where that fits, else ten small ones. */
export function coarseStep({
  min,
  max,
  step,
}: {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}): number {
  return step < 0.1 && max - min >= 0.9 ? 0.1 : step * 10;
}
