/** Values of unknown making, such as what a link holds: looked at before they are believed. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object's fields; undefined for anything else, arrays included. */
export function fieldsOf(value: unknown): Fields | undefined {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isPlain ? (value as Fields) : undefined;
}

/** An array's entries; none for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** False for NaN and infinities too: no comparison with them holds. */
export function isNumberIn(
  value: unknown,
  range: { readonly min: number; readonly max: number },
): value is number {
  return typeof value === 'number' && value >= range.min && value <= range.max;
}

/** A foreign value inside a sentence: short, and in quotation marks when it is text. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '"nothing"';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
