import { LabError } from '../core/errors';

export type UnknownRecord = Readonly<Record<string, unknown>>;

/** @throws LabError `eval/bad-item` with one sentence that names the place and the field */
export function fail(where: string, field: string, demand: string): never {
  throw new LabError(
    'eval/bad-item',
    `${where}: "${field}" ${demand}; correct the line or remove it.`,
    { details: { where, field } },
  );
}

/** Whether `value` is a JSON object (not null, not an array). */
export function isRecord(value: unknown): value is UnknownRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text that is not blank and has at most `maxChars` UTF-16 units. */
export function readText(
  record: UnknownRecord,
  field: string,
  where: string,
  maxChars: number,
): string {
  const value = record[field];
  if (typeof value !== 'string' || value === '') fail(where, field, 'must be a text');
  if (value.length > maxChars) {
    fail(where, field, `must have at most ${String(maxChars)} characters`);
  }
  return value;
}

/** A list of `low` to `high` texts. */
export function readTexts(
  record: UnknownRecord,
  field: string,
  where: string,
  low: number,
  high: number,
): string[] {
  const value = record[field];
  const isList =
    Array.isArray(value) &&
    value.length >= low &&
    value.length <= high &&
    value.every((entry): entry is string => typeof entry === 'string' && entry.length <= 4096);
  if (!isList) {
    fail(where, field, `must be a list of ${String(low)} to ${String(high)} texts`);
  }
  return value;
}

/** A whole number of at least `low`. */
export function readCount(record: UnknownRecord, field: string, where: string, low = 0): number {
  const value = record[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < low) {
    fail(where, field, `must be a whole number of at least ${String(low)}`);
  }
  return value;
}
