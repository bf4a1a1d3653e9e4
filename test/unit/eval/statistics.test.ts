import { describe, expect, it } from 'vitest';
import {
  comparePaired,
  mcnemarExact,
  meanInterval,
  wilsonInterval,
} from '../../../src/eval/statistics';

describe('wilsonInterval', () => {
  // Newcombe 1998, Statistics in Medicine 17:857, table I, method 3; printed with four decimals.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('gives the published interval of %d in %d', (passed, count, low, high) => {
    const interval = wilsonInterval(passed, count);
    expect(interval.value01).toBe(passed / count);
    // Half a unit of the last printed place.
    expect(Math.abs(interval.low01 - low)).toBeLessThanOrEqual(5e-5);
    expect(Math.abs(interval.high01 - high)).toBeLessThanOrEqual(5e-5);
  });

  it('is exact and has width at the ends, and is symmetric', () => {
    expect(wilsonInterval(0, 10).low01).toBe(0);
    expect(wilsonInterval(10, 10).high01).toBe(1);
    expect(wilsonInterval(10, 10).low01).toBeCloseTo(1 - wilsonInterval(0, 10).high01, 14);
  });

  it('knows nothing without items', () => {
    expect(wilsonInterval(0, 0)).toEqual({ value01: 0, low01: 0, high01: 1 });
  });
});

function outcomes(both: number, onlyFirst: number, onlySecond: number, neither: number) {
  const repeat = (count: number, pair: readonly [boolean, boolean]) =>
    Array.from({ length: count }, () => pair);
  const pairs = [
    ...repeat(both, [true, true]),
    ...repeat(onlyFirst, [true, false]),
    ...repeat(onlySecond, [false, true]),
    ...repeat(neither, [false, false]),
  ];
  return { first: pairs.map(([a]) => a), second: pairs.map(([, b]) => b) };
}

describe('comparePaired', () => {
  it('gives the published interval of Newcombe 1998 (17:2635), method 10, for 36/12/2/0', () => {
    const { first, second } = outcomes(36, 12, 2, 0);
    const comparison = comparePaired(first, second);
    expect(comparison.difference).toBeCloseTo(0.2, 14);
    expect(Math.abs(comparison.low - 0.0569)).toBeLessThanOrEqual(5e-5);
    expect(Math.abs(comparison.high - 0.3404)).toBeLessThanOrEqual(5e-5);
  });

  it('turns around when the models do', () => {
    const { first, second } = outcomes(20, 9, 4, 7);
    const forth = comparePaired(first, second);
    const back = comparePaired(second, first);
    expect(back.difference).toBeCloseTo(-forth.difference, 14);
    expect(back.low).toBeCloseTo(-forth.high, 12);
    expect(back.high).toBeCloseTo(-forth.low, 12);
    expect(back.pValue).toBe(forth.pValue);
  });

  it('finds no difference between a model and itself', () => {
    const { first } = outcomes(20, 9, 4, 7);
    const comparison = comparePaired(first, first);
    expect(comparison).toMatchObject({ difference: 0, onlyFirst: 0, onlySecond: 0, pValue: 1 });
    expect(comparison.low).toBeLessThanOrEqual(0);
    expect(comparison.high).toBeGreaterThanOrEqual(0);
  });

  it('handles no items and refuses unequal lists', () => {
    expect(comparePaired([], [])).toMatchObject({ difference: 0, low: -1, high: 1, pValue: 1 });
    expect(() => comparePaired([true], [])).toThrow(RangeError);
  });
});

describe('mcnemarExact', () => {
  // Binomial tails at one half, exact in binary: 2 * (1 + 10) / 2^10 and 2 / 2^6.
  it.each([
    [1, 9, 22 / 1024],
    [9, 1, 22 / 1024],
    [0, 6, 2 / 64],
    [5, 5, 1],
    [0, 0, 1],
  ])('is exact for %d against %d', (onlyFirst, onlySecond, pValue) => {
    expect(mcnemarExact(onlyFirst, onlySecond)).toBeCloseTo(pValue, 12);
  });
  it('does not underflow for thousands of items', () => {
    const pValue = mcnemarExact(2400, 2600);
    // Normal approximation with continuity correction: z = 199 / sqrt(5000) = 2.814, p = 0.0049.
    expect(Math.abs(pValue - 0.0049)).toBeLessThan(2e-4);
  });
});

describe('meanInterval', () => {
  it('gives mean and normal interval', () => {
    const { mean, low, high } = meanInterval([1, 2, 3, 4]);
    // Standard error: sqrt((5 / 3) / 4) = 0.645497; times 1.959964.
    expect(mean).toBe(2.5);
    expect(high - mean).toBeCloseTo(1.265151, 6);
    expect(mean - low).toBeCloseTo(1.265151, 6);
  });
  it('has no width for one value and is NaN for none', () => {
    expect(meanInterval([0.3])).toEqual({ mean: 0.3, low: 0.3, high: 0.3 });
    expect(meanInterval([]).mean).toBeNaN();
  });
});
