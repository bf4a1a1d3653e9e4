const wordCount = 624;
const middle = 397;

/**
 * MT19937 (Matsumoto and Nishimura 1998), the generator of PyTorch on a CPU, seeded by a single
 * integer as in their 2002 reference code. Equal seeds give the raw 32-bit numbers of
 * `numpy.random.RandomState(seed)` and of `torch.manual_seed(seed)`.
 */
export class MersenneTwister {
  readonly #words: Int32Array;
  /** Words of the current block that are used up. */
  #used: number;

  /** @param seed any integer; its low 32 bits count. A generator instead is copied where it stands. */
  constructor(seed: number | MersenneTwister) {
    if (typeof seed !== 'number') {
      this.#words = seed.#words.slice();
      this.#used = seed.#used;
      return;
    }
    this.#words = new Int32Array(wordCount);
    this.#used = wordCount;
    let word = seed | 0;
    this.#words[0] = word;
    for (let i = 1; i < wordCount; i++) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) | 0;
      this.#words[i] = word;
    }
  }

  /** A uniform integer in [0, 2^32). */
  nextUint32(): number {
    if (this.#used === wordCount) this.#twist();
    return tempered(this.#words[this.#used++] as number) >>> 0;
  }

  /** Fills `out` with uniform numbers in [0, 1): the low 24 bits of each output, as PyTorch does. */
  fillUniform(out: Float32Array): void {
    for (let filled = 0; filled < out.length;) {
      if (this.#used === wordCount) this.#twist();
      const count = Math.min(out.length - filled, wordCount - this.#used);
      const words = this.#words.subarray(this.#used, this.#used + count);
      for (let i = 0; i < count; i++) {
        out[filled + i] = (tempered(words[i] as number) & 0xffffff) * 2 ** -24;
      }
      filled += count;
      this.#used += count;
    }
  }

  /** Passes over `count` outputs, several times faster than drawing them. */
  skip(count: number): void {
    let left = count;
    while (left > wordCount - this.#used) {
      left -= wordCount - this.#used;
      this.#twist();
    }
    this.#used += left;
  }

  #twist(): void {
    twist(this.#words);
    this.#used = 0;
  }
}

/** Makes the next block of words, in place. */
function twist(words: Int32Array): void {
  // Three loops instead of remainders: hundreds of millions of words are made for one merge.
  let word = words[0] as number;
  for (let i = 0; i < wordCount - middle; i++) {
    const next = words[i + 1] as number;
    words[i] = (words[i + middle] as number) ^ recurrence(word, next);
    word = next;
  }
  for (let i = wordCount - middle; i < wordCount - 1; i++) {
    const next = words[i + 1] as number;
    words[i] = (words[i + middle - wordCount] as number) ^ recurrence(word, next);
    word = next;
  }
  words[wordCount - 1] = (words[middle - 1] as number) ^ recurrence(word, words[0] as number);
}

function recurrence(upper: number, lower: number): number {
  const mixed = (upper & 0x80000000) | (lower & 0x7fffffff);
  return (mixed >>> 1) ^ (-(mixed & 1) & 0x9908b0df);
}

function tempered(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}
