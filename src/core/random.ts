/**
 * Seeded sequential random numbers for item generation and shuffles.
 *
 * The generator is xoshiro128** 1.1 (Blackman and Vigna, public domain reference), seeded through
 * SplitMix32 so that nearby seeds give unrelated streams. It is not for masks inside kernels: those
 * use the counter-based bits of the expression language, which do not depend on visiting order.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed any integer; only its low 32 bits count */
  constructor(seed: number) {
    const state = new Uint32Array(4);
    let mix = seed >>> 0;
    for (let index = 0; index < 4; index++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let word = mix;
      word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
      word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
      state[index] = (word ^ (word >>> 16)) >>> 0;
    }
    this.#state = state;
  }

  /** An independent stream named by `label`, the same for the same parent seed state and label. */
  static named(seed: number, label: string): Random {
    return new Random(hashText32(`${String(seed)}/${label}`));
  }

  /** A uniform integer in [0, 2^32). */
  nextUint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    const c2 = c ^ a;
    const d2 = d ^ b;
    this.#state[1] = b ^ c2;
    this.#state[0] = a ^ d2;
    this.#state[2] = c2 ^ shifted;
    this.#state[3] = (d2 << 11) | (d2 >>> 21);
    return result;
  }

  /** A uniform number in [0, 1) with 32 bits of resolution. */
  next01(): number {
    return this.nextUint32() / 4294967296;
  }

  /** A uniform integer in [low, high], both ends included; needs low <= high. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next01() * (high - low + 1));
  }

  /** True with probability `probability01`. */
  chance(probability01: number): boolean {
    return this.next01() < probability01;
  }

  /** One element, uniformly. @throws RangeError when `values` is empty */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('Random.pick needs at least one value');
    return values[this.integer(0, values.length - 1)] as T;
  }

  /** `count` distinct elements in random order; needs count <= values.length. */
  sample<T>(values: readonly T[], count: number): T[] {
    if (count > values.length) throw new RangeError('Random.sample: count exceeds the pool');
    return this.shuffled(values).slice(0, count);
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffled<T>(values: readonly T[]): T[] {
    const copy = [...values];
    for (let index = copy.length - 1; index > 0; index--) {
      const other = this.integer(0, index);
      [copy[index], copy[other]] = [copy[other] as T, copy[index] as T];
    }
    return copy;
  }
}

/** FNV-1a over UTF-8 bytes, finished with a Murmur3 mixer: a stable 32-bit name for a text. */
export function hashText32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
