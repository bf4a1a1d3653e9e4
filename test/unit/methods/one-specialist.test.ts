import { afterAll, describe, expect, it } from 'vitest';
import { BothBackends, randomValues } from './both-backends';
import type { SmallMerge } from './merge-small';

const both = new BothBackends();
afterAll(() => {
  both.dispose();
});
const merged = both.merged.bind(both);

type Values = readonly number[];

/** Numbers below 4 that were rounded a few times: 2^-21 is two of their last places. */
function expectNear(found: Values, wanted: Values): void {
  found.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] ?? NaN)), `at ${String(i)}`).toBeLessThan(2 ** -21);
  });
}

const count = 96;
const base = randomValues(count, 1);
/** Mostly small changes and a few large ones. */
const change = randomValues(count, 2).map((value) => Math.fround(value ** 5));
const a = base.map((value, i) => Math.fround(value + (change[i] ?? 0)));

describe('NearSwap', () => {
  const swap = (t: number): SmallMerge => ({ method: 'nearswap', numbers: { scalars: { t } } });

  it.each([0, 0.01, 0.3, 2])('moves by at most t = %d', async (t) => {
    const found = await merged(base, [a], swap(t));
    const wanted = base.map((value, i) => {
      const gap = (a[i] ?? NaN) - value;
      return value + Math.sign(gap) * Math.min(t, Math.abs(gap));
    });
    expectNear(found, wanted);
  });

  it('takes over differences below 1e-6 only in part, as mergekit does', async () => {
    const found = await merged([0], [[2 ** -21]], swap(2 ** -22));
    expect(found[0]).toBeCloseTo(2 ** -21 * (2 ** -22 / 1e-6), 12);
  });

  it('spreads a NaN to its own element alone', async () => {
    expect(await merged([1, 1], [[NaN, 2]], swap(5))).toEqual([NaN, 2]);
  });
});

describe('Passthrough', () => {
  it('copies, bit for bit, whatever the numbers are', async () => {
    const values = [NaN, -0, 0, Infinity, -Infinity, 1e-45, 3.5];
    expect(await merged(undefined, [values], { method: 'passthrough' })).toEqual(
      values.map(Math.fround),
    );
  });

  it('scales by its parameter', async () => {
    const merge = { method: 'passthrough', numbers: { perModel: { scale: [-0.5] } } };
    expect(await merged(undefined, [a], merge)).toEqual(a.map((value) => value * -0.5));
  });
});

describe('Arcee Fusion', () => {
  const fuse: SmallMerge = { method: 'arcee_fusion' };
  const softmax = (row: Values): number[] => {
    const powers = row.map(Math.exp);
    const total = powers.reduce((sum, value) => sum + value, 0);
    return powers.map((value) => value / total + 1e-8);
  };
  const plain = (rowLength: number): number[] => {
    const scores = a.map((value, i) => {
      const start = Math.floor(i / rowLength) * rowLength;
      const [from, to] = [base, a].map((list) => softmax(list.slice(start, start + rowLength)));
      const divergence = (to ?? []).reduce(
        (sum, p, j) => sum + p * Math.log(p / (from?.[j] ?? NaN)),
        0,
      );
      return Math.abs(value - (base[i] ?? 0)) * divergence;
    });
    const sorted = scores.toSorted((x, y) => x - y);
    const [low = 0, middle = 0, high = 0] = [0.25, 0.5, 0.75].map(
      (share) => sorted[Math.trunc(share * (count - 1))] ?? NaN,
    );
    return a.map((value, i) =>
      (scores[i] ?? 0) >= middle + 1.5 * (high - low) ? value : (base[i] ?? 0),
    );
  };

  it.each([[8], [16], [96]])('takes over outstanding weights, rows of %i', async (rowLength) => {
    const wanted = plain(rowLength);
    const changed = wanted.filter((value, i) => value !== base[i]).length;
    expect(changed).toBeGreaterThan(2);
    expect(changed).toBeLessThan(count / 2);
    // B + (W − B) is rounded twice.
    expectNear(await merged(base, [a], fuse, [count / rowLength, rowLength]), wanted);
  });

  it('of tensors of one to five elements takes the smallest as the lower quartile', async () => {
    for (let length = 1; length <= 5; length++) {
      const found = await merged(base.slice(0, length), [a.slice(0, length)], fuse);
      expect(found.length).toBe(length);
      found.forEach((value, i) => {
        const near = [base[i], a[i]].map((known) => Math.abs(value - (known ?? NaN)));
        expect(Math.min(...near)).toBeLessThan(2 ** -22);
      });
    }
    // One score reaches its own threshold; of two, both quartiles and the median are the smaller.
    expect(await merged([1], [[2]], fuse)).toEqual([2 - 1 + 1]);
    expect(await merged([0, 0], [[1, 2]], fuse)).toEqual([1, 2]);
    // Scores in the ratio of 1, 1.25 and 1.75, whose threshold is at 1.25 + 1.5 · 0.25.
    expect(await merged([0, 0, 0], [[1, 1.25, 1.75]], fuse)).toEqual([0, 0, 1.75]);
  });

  it('of identical tensors is the tensor, and a NaN does not select the rest', async () => {
    expect(await merged(base, [base], fuse, [12, 8])).toEqual(base);
    const spoilt = [NaN, ...a.slice(1)];
    const found = await merged(base, [spoilt], fuse, [12, 8]);
    expect(found.slice(8).every((value) => !Number.isNaN(value))).toBe(true);
  });
});
