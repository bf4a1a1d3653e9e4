import type fc from 'fast-check';
import { LabError } from '../../../src/core/errors';

/**
 * `FUZZ_SEED` draws other inputs than those of every day, `FUZZ_RUNS` so many times as many:
 * `FUZZ_SEED=7 FUZZ_RUNS=20 npx vitest run --project unit test/unit/fuzz`.
 */
const seed = Number(process.env['FUZZ_SEED'] ?? 20261122);
const runFactor = Number(process.env['FUZZ_RUNS'] ?? 1);

/** For one test on a machine that does much else; alone it takes a twentieth of that. */
export const fuzzTimeoutMs = 240_000 * Math.max(1, runFactor);

export function fuzzParameters(numRuns: number): fc.Parameters<unknown> {
  return { seed, numRuns: Math.ceil(numRuns * runFactor) };
}

/** Far more than any input takes, however busy the machine is; what is exponential takes for ever. */
const maxInputMs = 5000;
/** Inputs are below a megabyte; decoding, indexing and messages may take some times that. */
const maxGrowthBytes = 64e6;

/** What came of one input: its value, or the code of the error that refused it. */
export type Outcome<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'refused'; readonly code: string };

/**
 * Runs a parser on one input and checks what holds for every input: it ends in time, takes no memory
 * out of proportion, and either succeeds or throws a LabError with an allowed code and a sentence.
 *
 * @param codes what the parser says it throws
 */
export function outcomeOf<Value>(read: () => Value, codes: RegExp): Outcome<Value> {
  const before = Usage.now();
  try {
    const value = read();
    before.check();
    return { kind: 'read', value };
  } catch (error) {
    before.check();
    return { kind: 'refused', code: codeOf(error, codes) };
  }
}

/** As `outcomeOf`, for what reads asynchronously. */
export async function asyncOutcomeOf<Value>(
  read: () => Promise<Value>,
  codes: RegExp,
): Promise<Outcome<Value>> {
  const before = Usage.now();
  try {
    const value = await read();
    before.check();
    return { kind: 'read', value };
  } catch (error) {
    before.check();
    return { kind: 'refused', code: codeOf(error, codes) };
  }
}

function codeOf(error: unknown, codes: RegExp): string {
  if (!(error instanceof LabError)) throw error;
  if (!codes.test(error.code)) throw new Error(`refused with ${error.code}`, { cause: error });
  const { message } = error;
  // A sentence for a person, not a copy of the input.
  if (message.length > 2000) throw new Error(`the message has ${message.length} characters`);
  if (!/[.)]$/.test(message)) throw new Error(`the message has no end: ${message}`);
  return error.code;
}

/** Time and buffers at one moment. Buffers stay counted until they are collected, so growth shows. */
class Usage {
  readonly #startMs: number;
  readonly #bufferBytes: number;

  private constructor(startMs: number, bufferBytes: number) {
    this.#startMs = startMs;
    this.#bufferBytes = bufferBytes;
  }

  static now(): Usage {
    return new Usage(performance.now(), process.memoryUsage().arrayBuffers);
  }

  check(): void {
    const elapsedMs = performance.now() - this.#startMs;
    const grownBytes = process.memoryUsage().arrayBuffers - this.#bufferBytes;
    if (elapsedMs > maxInputMs) throw new Error(`one input took ${String(elapsedMs)} ms`);
    if (grownBytes > maxGrowthBytes) throw new Error(`one input took ${String(grownBytes)} bytes`);
  }
}
