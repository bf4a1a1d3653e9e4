import { parseArgs, type ParseArgsConfig } from 'node:util';
import { LabError, sentenceOf } from '../core/errors';

type OptionSpecs = NonNullable<ParseArgsConfig['options']>;

/** One subcommand of `mergelab`. */
export interface Command {
  readonly name: string;
  /** How to call it, as `--help` prints it. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** @param signal fires when the person presses Ctrl+C */
  run(parameters: readonly string[], signal: AbortSignal): Promise<void>;
}

/** What was given on the command line after the subcommand. */
export class GivenOptions {
  readonly positionals: readonly string[];
  readonly #usage: string;
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws LabError `cli/usage` on an unknown option or a missing value */
  constructor(parameters: readonly string[], options: OptionSpecs, usage: string) {
    this.#usage = usage;
    try {
      const parsed = parseArgs({ args: [...parameters], options, allowPositionals: true });
      this.positionals = parsed.positionals;
      this.#values = parsed.values;
    } catch (cause) {
      const sentence = sentenceOf(cause).split('\n')[0] ?? '';
      throw this.error(sentence.replace(/\.?$/, '.'));
    }
  }

  error(sentence: string): LabError {
    return new LabError('cli/usage', `${sentence} Usage: ${this.#usage}`);
  }

  /** The only positional argument. */
  single(what: string): string {
    const [first, ...rest] = this.positionals;
    if (first === undefined) throw this.error(`${what} is missing.`);
    if (rest.length > 0) throw this.error(`"${rest.join(' ')}" was not expected.`);
    return first;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.error(`--${name} is missing.`);
    return value;
  }

  /** A whole number of at least `min`, or `undefined`. */
  integer(name: string, min: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min) {
      throw this.error(`--${name} must be a whole number of at least ${min}, not "${text}".`);
    }
    return value;
  }

  /** One of `choices`, or `undefined`. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const chosen = choices.find((choice) => choice === text);
    if (chosen === undefined) {
      throw this.error(`--${name} must be one of ${choices.join(', ')}, not "${text}".`);
    }
    return chosen;
  }
}
