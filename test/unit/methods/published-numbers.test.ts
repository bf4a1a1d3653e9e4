import { describe, expect, it } from 'vitest';
import { mergeOne, smallTensor } from './merge-small';
import { a, b, base, testedBackends } from './published-models';

const backends = testedBackends();
const weights = { perModel: { weight: [0.6, 0.4] } };
const half = { perModel: { weight: [0.6, 0.4], density: [0.5, 0.5] } };

const cases = [
  {
    name: 'linear',
    merge: { method: 'linear', numbers: weights },
    merged: [0.9, -2.15, 0.7, 2.6, 0.35, 0.5, -1, 1.9],
  },
  {
    name: 'linear without normalize',
    merge: {
      method: 'linear',
      options: { normalize: false },
      numbers: { perModel: { weight: [0.6, 0.5] } },
    },
    merged: [0.9, -2.35, 0.8, 2.95, 0.4, 0.55, -1.025, 2],
  },
  {
    name: 'task arithmetic',
    merge: { method: 'task_arithmetic', numbers: weights },
    merged: [0.9, -2.15, 0.7, 2.6, 0.35, 0.5, -1, 1.9],
  },
  {
    name: 'task arithmetic with normalize and lambda 0.5',
    merge: {
      method: 'task_arithmetic',
      options: { normalize: true },
      numbers: { scalars: { lambda: 0.5 } },
    },
    merged: [0.875, -2.0625, 0.625, 2.875, 0.3125, 0.25, -0.9375, 1.875],
  },
  {
    name: 'TIES of density 0.5',
    merge: { method: 'ties', numbers: half },
    merged: [0, -2, 1, 2, 0.25, 0.5, -0.25, 1],
  },
  {
    name: 'TIES without normalize',
    merge: { method: 'ties', options: { normalize: false }, numbers: half },
    merged: [0.6, -2, 0.7, 2.4, 0.25, 0.3, -0.7, 1.6],
  },
];

describe.each(backends)('mergekit’s numbers on $id', (backend) => {
  it.each(cases)('$name', async ({ merge, merged }) => {
    const models = smallTensor(merge.method === 'linear' ? undefined : base, [a, b]);
    const found = await mergeOne(backend, models, merge);
    // The reference is printed to seven digits.
    found.forEach((value, index) => {
      expect(Math.abs(value - (merged[index] ?? NaN))).toBeLessThan(1e-6);
    });
  });
});

/** Eight coordinates on a base of zeros: worked by hand for the method descriptions. */
const zeros = [0, 0, 0, 0, 0, 0, 0, 0];
const tau = [
  [8, -3, 2, -1, 0, 0.5, 7, -4],
  [-2, -6, 3, 1, 0, -0.5, 4, 5],
  [1, 2, -9, -1, 0, 6, -3, -8],
];
const densities = (density: number): object => ({
  perModel: { density: [density, density, density] },
});

describe.each(backends)('worked examples on $id', (backend) => {
  it.each([
    { density: 0.5, normalize: true, merged: [8, -4.5, -9, 0, 0, 6, 5.5, -6] },
    { density: 0.5, normalize: false, merged: [8, -9, -9, 0, 0, 6, 11, -12] },
    { density: 0.25, normalize: true, merged: [8, -6, -9, 0, 0, 0, 7, -8] },
    { density: 0.25, normalize: false, merged: [8, -6, -9, 0, 0, 0, 7, -8] },
  ])('TIES $density, normalize $normalize', async ({ density, normalize, merged }) => {
    const merge = { method: 'ties', options: { normalize }, numbers: densities(density) };
    expect(await mergeOne(backend, smallTensor(zeros, tau), merge)).toEqual(merged);
  });

  it('task arithmetic of lambda 0.5', async () => {
    const merge = { method: 'task_arithmetic', numbers: { scalars: { lambda: 0.5 } } };
    const merged = await mergeOne(backend, smallTensor(zeros, tau), merge);
    expect(merged).toEqual([3.5, -3.5, -2, -0.5, 0, 3, 4, -3.5]);
  });
});
