import type { Program, Step } from './program';
import { invariantSteps, upperBounds } from './step-analysis';
import { largestSigned, signBit } from './wasm-ops';

/** Numbers that a random fraction has: a float32 holds whole ones below it. */
export const fractionCount = 2 ** 24;

/** Where a program's steps can be written with fewer instructions than they say, to the same bits. */
export class Shortcuts {
  readonly #steps: readonly Step[];
  readonly #isInvariant: readonly boolean[];
  readonly #bounds: readonly number[];

  constructor(program: Program) {
    this.#steps = program.steps;
    this.#isInvariant = invariantSteps(program);
    this.#bounds = upperBounds(program);
  }

  /** Whether a step is the same for all elements. */
  isInvariant(index: number): boolean {
    return this.#isInvariant[index] === true;
  }

  /** Whether a word is the same signed and not, and one more than it is, too. */
  isSmall(index: number): boolean {
    return (this.#bounds[index] ?? signBit) < largestSigned;
  }

  /** Whether it is the least of a word and a constant that it never exceeds, or its bits among ones. */
  changesNothing({ op, args: [a = 0, b = 0] }: Step): boolean {
    const limit = this.#steps[b];
    if (limit?.op !== 'constant') return false;
    const isReached = (this.#bounds[a] ?? 0xffffffff) <= limit.value;
    return isReached && (op === 'min' || (op === 'and' && (limit.value & (limit.value + 1)) === 0));
  }

  /**
   * The parts of `a > b or (a = b and c)`, where `a` is small: it is `a + (c ? 1 : 0) > b`, and a mask
   * that holds is -1. So a threshold with ties takes two instructions and not five.
   */
  tieOf({ op, args }: Step): { a: number; b: number; condition: number } | undefined {
    const [greater, both] = [this.#at(args[0]), this.#at(args[1])];
    if (op !== 'or' || greater?.op !== 'gt' || both?.op !== 'and') return undefined;
    const equal = this.#at(both.args[0]);
    const [a = 0, b = 0] = greater.args;
    const [, condition] = both.args;
    const isSame = equal?.op === 'eq' && equal.args[0] === a && equal.args[1] === b;
    const isFloat = this.#at(a)?.type !== 'u32';
    if (!isSame || isFloat || condition === undefined || !this.isSmall(a)) return undefined;
    return { a, b, condition };
  }

  /**
   * The parts of `word·2^-24 < bound`, where the word has 24 bits and the bound is the same for all
   * elements: it is `word < ceil(bound·2^24)`, all of it exact, so a random number is compared as it
   * was drawn. NaN as a bound becomes 0, below which there is nothing, too.
   */
  fractionOf({ op, args }: Step): { word: number; bound: number } | undefined {
    const [product, bound = 0] = [this.#at(args[0]), args[1]];
    if (op !== 'lt' || product?.op !== 'mul' || !this.isInvariant(bound)) return undefined;
    const [number, scale] = [this.#at(product.args[0]), this.#at(product.args[1])];
    const word = number?.args[0];
    const isFraction = scale?.op === 'constant' && scale.value === 1 / fractionCount;
    if (!isFraction || number?.op !== 'toF32' || word === undefined) return undefined;
    return (this.#bounds[word] ?? signBit) < fractionCount ? { word, bound } : undefined;
  }

  #at(index = -1): Step | undefined {
    return this.#steps[index];
  }
}
