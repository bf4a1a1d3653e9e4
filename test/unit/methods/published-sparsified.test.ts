import { describe, expect, it } from 'vitest';
import { MergekitStream } from '../../../src/methods/mergekit-stream';
import type { SmallMerge } from './merge-small';
import { mergeOne, smallTensor } from './merge-small';
import { a, b, base, testedBackends } from './published-models';

const backends = testedBackends();
const tensor = { ...smallTensor(base, [a, b]), shape: [2, 4] };

const weight = [0.6, 0.4];
const density = [0.5, 0.5];
const half = { perModel: { weight, density } };
const withGamma = { perModel: { weight, density, gamma: [0.25, 0.25] } };
const withEpsilon = { perModel: { weight, density, epsilon: [0.2, 0.2] } };
/** mergekit's masks with `--random-seed 42`: two models draw for the only tensor. */
const seeded = (): Pick<SmallMerge, 'mergekitDraws'> => ({
  mergekitDraws: new MergekitStream(42, [{ name: tensor.name, elementCount: 8, drawCount: 2 }]),
});

const cases: readonly (SmallMerge & { readonly merged: readonly number[] })[] = [
  { method: 'breadcrumbs', numbers: withGamma, merged: [1.3, -2.15, 0.7, 3.2, 0.25, 0.5, -1, 2] },
  {
    method: 'breadcrumbs_ties',
    numbers: withGamma,
    merged: [1.3, -2.15, 0.7, 3.2, 0.25, 0.5, -0.7, 2],
  },
  ...['dare_linear', 'dare_ties'].map((method) => ({
    method,
    numbers: half,
    ...seeded(),
    merged: [1, -2, 0.5, 3, 0.25, 0, -2.95, 0.2],
  })),
  {
    method: 'dare_linear',
    options: { rescale: false },
    numbers: half,
    ...seeded(),
    merged: [1, -2, 0.5, 3, 0.25, 0, -1.3, 1.6],
  },
  {
    method: 'della_linear',
    numbers: withEpsilon,
    ...seeded(),
    merged: [1, -2, 0.5, 3, 0.25, 0, -2.95, 0.2],
  },
  {
    method: 'della',
    numbers: withEpsilon,
    ...seeded(),
    merged: [1, -2, 0.5, 3, 0.25, 0, -4.25, -2.5],
  },
  { method: 'sce', merged: [0, -2.25, 1, 2, 0.5, 0.5, -0.25, 1] },
  {
    method: 'sce',
    numbers: { scalars: { select_topk: 0.5 } },
    merged: [0, -2, 0.5, 2, 0.25, 0, -1, 1],
  },
  { method: 'ram', merged: [0.75, -2.25, 1, 2.75, 0.5, 0.5, -0.875, 1.75] },
  { method: 'ramplus_tl', merged: [0.75, -2.255, 1.01, 2.75, 0.505, 0.5, -0.875, 1.75] },
];

describe.each(backends)('mergekit’s numbers on $id', (backend) => {
  it.each(cases)('$method $options', async ({ merged, ...merge }) => {
    const found = await mergeOne(backend, tensor, merge);
    expect(found.length).toBe(merged.length);
    found.forEach((value, index) => {
      expect(Math.abs(value - (merged[index] ?? NaN))).toBeLessThan(1e-6);
    });
  });
});

/** Eight coordinates on a base of zeros, worked by hand from MergeBench's formulas. */
const zeros = [0, 0, 0, 0, 0, 0, 0, 0];
const tau = [
  [8, -3, 2, -1, 0, 0.5, 7, -4],
  [-2, -6, 3, 1, 0, -0.5, 4, 5],
  [1, 2, -9, -1, 0, 6, -3, -8],
];
const ofDensity = (share: number): NonNullable<SmallMerge['numbers']> => ({
  perModel: { density: [share, share, share] },
});

describe.each(backends)('MergeBench’s numbers on $id', (backend) => {
  it.each([
    { share: 0.5, how: 'sum', merged: [8, -9, -9, 0, 0, 6, 11, -12] },
    { share: 0.5, how: 'mean', merged: [8, -4.5, -9, 0, 0, 6, 5.5, -6] },
    { share: 0.5, how: 'max', merged: [8, -6, -9, 0, 0, 6, 7, -8] },
    { share: 0.25, how: 'sum', merged: [8, -6, -9, 0, 0, 6, 11, -12] },
    { share: 0.25, how: 'mean', merged: [8, -6, -9, 0, 0, 6, 5.5, -6] },
  ])('TIES of K $share, $how', async ({ share, how, merged }) => {
    const merge = { method: 'mb_ties', options: { merge_func: how }, numbers: ofDensity(share) };
    expect(await mergeOne(backend, smallTensor(zeros, tau), merge)).toEqual(merged);
  });

  it.each([
    { share: 0.25, merged: [8, -6, -9, 0, 0, 0, 7, -1.5] },
    { share: 0.5, merged: [8, -4.5, -3, 0, 0, 6, 8 / 3, -7 / 3].map(Math.fround) },
  ])('dataless Localize-and-Stitch of sparsity $share', async ({ share, merged }) => {
    const merge = { method: 'mb_localize_and_stitch', numbers: ofDensity(share) };
    expect(await mergeOne(backend, smallTensor(zeros, tau), merge)).toEqual(merged);
  });
});
