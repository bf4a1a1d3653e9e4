import { LabError } from '../core/errors';
import type { GgufValue } from './gguf-metadata';
import { quoted } from './text';

/** Typed access to the metadata of one GGUF file; sentences name the file and the field. */
export class GgufFields {
  readonly #metadata: ReadonlyMap<string, GgufValue>;
  readonly #fileName: string;

  constructor(metadata: ReadonlyMap<string, GgufValue>, fileName: string) {
    this.#metadata = metadata;
    this.#fileName = fileName;
  }

  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  /** @throws LabError `format/bad-config` when it is absent or out of range */
  integer(key: string, low: number, high: number): number {
    const value = this.#metadata.get(key);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) {
      return value;
    }
    throw this.#bad(key, `a whole number from ${String(low)} to ${String(high)}`);
  }

  /** As `integer`; undefined when it is absent. */
  optionalInteger(key: string, low: number, high: number): number | undefined {
    return this.has(key) ? this.integer(key, low, high) : undefined;
  }

  /**
   * A positive number. Files keep float32, where a config says 1e-5: seven digits bring that back.
   * @throws LabError `format/bad-config` when it is absent or not positive
   */
  positive(key: string): number {
    const value = this.#metadata.get(key);
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) {
      return Number(value.toPrecision(7));
    }
    throw this.#bad(key, 'a positive number');
  }

  /** As `positive`; undefined when it is absent. */
  optionalPositive(key: string): number | undefined {
    return this.has(key) ? this.positive(key) : undefined;
  }

  /** A text, or undefined when there is none under that key. */
  text(key: string): string | undefined {
    const value = this.#metadata.get(key);
    return typeof value === 'string' ? value : undefined;
  }

  /** How many items a list has, or undefined when there is none under that key. */
  itemCount(key: string): number | undefined {
    const value = this.#metadata.get(key);
    return typeof value === 'object' ? value.itemCount : undefined;
  }

  #bad(key: string, expected: string): LabError {
    const value = this.#metadata.get(key);
    const shown =
      value === undefined
        ? 'it is absent'
        : `it is ${typeof value === 'object' ? 'a list' : quoted(String(value))}`;
    return new LabError(
      'format/bad-config',
      `${this.#fileName} needs ${expected} under "${key}", but ${shown}; convert the model again or choose another.`,
      { details: { file: this.#fileName, key } },
    );
  }
}
