import { describe, expect, it } from 'vitest';
import { MersenneTwister } from '../../../src/methods/mersenne-twister';

describe('MersenneTwister', () => {
  it('gives the 10 000th number that the C++ standard states for seed 5489', () => {
    const generator = new MersenneTwister(5489);
    generator.skip(9999);
    expect(generator.nextUint32()).toBe(4123659995);
  });

  it('gives the words of numpy.random.RandomState(42)', () => {
    const generator = new MersenneTwister(42);
    const words = Array.from({ length: 100000 }, () => generator.nextUint32());
    expect(words.slice(0, 4)).toEqual([1608637542, 3421126067, 4083286876, 787846414]);
    // At the seams of blocks of 624 words, and a checksum of everything.
    expect([623, 624, 1247, 1248].map((at) => words[at])).toEqual([
      1077437785, 108880612, 1014112781, 2655384025,
    ]);
    expect(words.reduce((sum, word) => (Math.imul(sum, 31) + word) >>> 0, 0)).toBe(4140020263);
  });

  it('fills with the numbers of torch.rand after torch.manual_seed(42)', () => {
    const out = new Float32Array(8);
    new MersenneTwister(42).fillUniform(out);
    const wanted = [0.8823, 0.915, 0.3829, 0.9593, 0.3904, 0.6009, 0.2566, 0.7936];
    expect([...out].map((value) => Number(value.toFixed(4)))).toEqual(wanted);
    expect(out[0]).toBe((1608637542 % 2 ** 24) / 2 ** 24);
  });

  it.each([0, 1, 623, 624, 625, 1248, 5000])('skips %i outputs as if they were drawn', (count) => {
    const drawn = new MersenneTwister(7);
    const skipped = new MersenneTwister(7);
    for (const start of [3, 0]) {
      for (let i = 0; i < start + count; i++) drawn.nextUint32();
      skipped.skip(start);
      skipped.skip(count);
      expect(skipped.nextUint32()).toBe(drawn.nextUint32());
    }
  });

  it('fills in parts as at once, and copies where it stands', () => {
    const whole = new Float32Array(2000);
    new MersenneTwister(9).fillUniform(whole);
    const generator = new MersenneTwister(9);
    const parts = [1, 622, 2, 0, 1000].map((length) => {
      const part = new Float32Array(length);
      generator.fillUniform(part);
      return [...part];
    });
    const rest = new Float32Array(375);
    new MersenneTwister(generator).fillUniform(rest);
    expect([...parts.flat(), ...rest]).toEqual([...whole]);
    expect(generator.nextUint32() % 2 ** 24).toBe((whole[1625] ?? 0) * 2 ** 24);
  });

  it('counts only the low 32 bits of a seed, as PyTorch does', () => {
    expect(new MersenneTwister(2 ** 32 + 5).nextUint32()).toBe(new MersenneTwister(5).nextUint32());
  });
});
