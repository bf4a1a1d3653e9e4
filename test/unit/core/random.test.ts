import { describe, expect, it } from 'vitest';
import { hashText32, Random } from '../../../src/core/random';

describe('Random', () => {
  it('repeats for a seed and differs between seeds and names', () => {
    const draw = (random: Random): number[] => Array.from({ length: 4 }, () => random.nextUint32());
    expect(draw(new Random(7))).toEqual(draw(new Random(7)));
    expect(draw(new Random(7))).not.toEqual(draw(new Random(8)));
    expect(draw(Random.named(7, 'a'))).not.toEqual(draw(Random.named(7, 'b')));
  });

  it('fills an interval evenly, both ends included', () => {
    const random = new Random(1);
    const counts = [0, 0, 0, 0, 0];
    for (let index = 0; index < 50_000; index++) {
      const value = random.integer(0, 4);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // Four standard deviations of a binomial count with n = 50,000 and p = 0.2 are 358.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(358);
  });

  it('samples without repeats', () => {
    const sample = new Random(3).sample([1, 2, 3, 4, 5], 5);
    expect([...sample].sort()).toEqual([1, 2, 3, 4, 5]);
    expect(() => new Random(3).sample([1], 2)).toThrow(RangeError);
  });
});

describe('hashText32', () => {
  it('is stable: item splits depend on it', () => {
    expect(hashText32('')).toBe(0xab3e7c0b);
    expect(hashText32('math/add|tom,3,5')).toBe(hashText32('math/add|tom,3,5'));
  });
});
