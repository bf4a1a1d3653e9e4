import { describe, expect, it } from 'vitest';
import type { SmallMerge, SmallTensor } from './merge-small';
import { mergeOne, smallTensor } from './merge-small';
import { a, b, base, testedBackends } from './published-models';

const backends = testedBackends();

function matrix(
  from: readonly number[] | undefined,
  models: readonly (readonly number[])[],
): SmallTensor {
  return { ...smallTensor(from, models), shape: [2, 4] };
}

const both = matrix(undefined, [a, b]);
const tuned = matrix(base, [a, b]);
const single = matrix(base, [a]);
const weights = { perModel: { weight: [0.6, 0.4] } };
const byVector = { nuslerp_flatten: false };

const cases: readonly {
  name: string;
  models: SmallTensor;
  merge: SmallMerge;
  merged: readonly number[];
}[] = [
  {
    name: 'slerp of t 0.35 from a to b',
    models: matrix(a, [b]),
    merge: { method: 'slerp', numbers: { scalars: { t: 0.35 } } },
    merged: [1.020102, -2.279699, 0.714807, 2.671842, 0.3574035, 0.5274204, -1.113795, 2.074943],
  },
  {
    name: 'nuslerp without a base',
    models: both,
    merge: { method: 'nuslerp', numbers: weights },
    merged: [0.9462051, -2.273465, 0.7424803, 2.756382, 0.3712401, 0.528941, -1.052975, 2.004087],
  },
  {
    name: 'nuslerp with a base',
    models: tuned,
    merge: { method: 'nuslerp', numbers: weights },
    merged: [0.628584, -2.308963, 0.9946713, 2.258818, 0.4973357, 1.112598, -0.8759197, 1.628584],
  },
  {
    name: 'nuslerp by rows',
    models: both,
    merge: { method: 'nuslerp', options: byVector, numbers: weights },
    merged: [0.9305428, -2.231559, 0.7280531, 2.703276, 0.3614654, 0.5156278, -1.028626, 1.95623],
  },
  {
    name: 'nuslerp by columns',
    models: both,
    merge: {
      method: 'nuslerp',
      options: { ...byVector, nuslerp_row_wise: true },
      numbers: weights,
    },
    merged: [1.135805, -2.150177, 0.7991875, 2.728787, 0.459527, 0.5000415, -1.123331, 1.985743],
  },
  {
    name: 'multislerp without a base',
    models: both,
    merge: { method: 'multislerp', numbers: weights },
    merged: [0.9370312, -2.272363, 0.7457519, 2.766303, 0.3728759, 0.5290478, -1.045383, 1.995127],
  },
  {
    name: 'multislerp with a base',
    models: tuned,
    merge: { method: 'multislerp', numbers: weights },
    merged: [0.9702067, -2.352044, 0.866941, 1.958763, 0.4334705, 1.07103, -1.153677, 1.970207],
  },
  {
    name: 'karcher of two models',
    models: both,
    merge: { method: 'karcher' },
    merged: [0.7796875, -2.251426, 0.800843, 2.932899, 0.4004215, 0.5303695, -0.9149243, 1.840426],
  },
  {
    name: 'karcher of two models and their base',
    models: matrix(undefined, [a, b, base]),
    merge: { method: 'karcher' },
    merged: [0.8571758, -2.171813, 0.6999856, 2.966749, 0.3499928, 0.3490336, -0.9463587, 1.900415],
  },
  {
    name: 'model_stock',
    models: tuned,
    merge: { method: 'model_stock' },
    merged: [1.801789, -1.599105, -0.3017893, 3.801788, -0.1508946, -1.603578, -1.400894, 2.801789],
  },
  {
    name: 'model_stock by rows',
    models: tuned,
    merge: { method: 'model_stock', options: { filter_wise: true } },
    merged: [2.240321, -1.37984, -0.7403204, 4.24032, -0.02859288, -1.114372, -1.278593, 2.557186],
  },
  {
    name: 'nearswap of t 0.2',
    models: single,
    merge: { method: 'nearswap', numbers: { scalars: { t: 0.2 } } },
    merged: [1.2, -2.2, 0.5, 2.8, 0.25, 0.2, -1.2, 2.2],
  },
  {
    name: 'arcee_fusion',
    models: single,
    merge: { method: 'arcee_fusion' },
    merged: [1.5, -2, 0.5, 2, 0.25, 0, -1, 2],
  },
  {
    name: 'passthrough of scale 0.5',
    models: matrix(undefined, [a]),
    merge: { method: 'passthrough', numbers: { perModel: { scale: [0.5] } } },
    merged: [0.75, -1.125, 0.25, 1, 0.125, 0.25, -0.75, 1.25],
  },
];

describe.each(backends)('mergekit’s numbers on $id', (backend) => {
  it.each(cases)('$name', async ({ models, merge, merged }) => {
    const found = await mergeOne(backend, models, merge);
    found.forEach((value, index) => {
      const wanted = merged[index] ?? NaN;
      // The reference is float32 throughout, a few roundings of 6e-8 each, printed to seven digits.
      const tolerance = 1e-6 * Math.max(1, Math.abs(wanted));
      expect(Math.abs(value - wanted), String(index)).toBeLessThan(tolerance);
    });
  });
});

/** Eight coordinates on a base of zeros: MergeBench's worked example. */
const zeros = [0, 0, 0, 0, 0, 0, 0, 0];
const tau = [
  [8, -3, 2, -1, 0, 0.5, 7, -4],
  [-2, -6, 3, 1, 0, -0.5, 4, 5],
  [1, 2, -9, -1, 0, 6, -3, -8],
];
const consensus = (maskLambda: number, k: number): SmallMerge => ({
  method: 'mb_consensus',
  numbers: {
    scalars: { lambda: 0.4, k },
    perModel: { mask_lambda: [maskLambda, maskLambda, maskLambda] },
  },
});

describe.each(backends)('worked examples of MergeBench on $id', (backend) => {
  it.each([
    {
      name: 'model soup',
      merge: { method: 'mb_model_soup' },
      merged: [7 / 3, -7 / 3, -4 / 3, -1 / 3, 0, 2, 8 / 3, -7 / 3],
    },
    {
      name: 'task arithmetic of lambda 0.5',
      merge: { method: 'mb_task_arithmetic', numbers: { scalars: { lambda: 0.5 } } },
      merged: [3.5, -3.5, -2, -0.5, 0, 3, 4, -3.5],
    },
    {
      name: 'consensus of 0.2 and two votes',
      merge: consensus(0.2, 2),
      merged: [2.8, -2.8, -1.6, -0.4, 0, 0, 3.2, -2.8],
    },
    {
      name: 'consensus of 0.6 and two votes',
      merge: consensus(0.6, 2),
      merged: [0, -2.8, 0, -0.4, 0, 0, 3.2, -2.8],
    },
    {
      name: 'consensus of no votes, which is task arithmetic',
      merge: consensus(0.2, 0),
      merged: [2.8, -2.8, -1.6, -0.4, 0, 2.4, 3.2, -2.8],
    },
  ])('$name', async ({ merge, merged }) => {
    const found = await mergeOne(backend, smallTensor(zeros, tau), merge);
    // Numbers below 4, rounded to float32 at most twice.
    found.forEach((value, index) => {
      expect(Math.abs(value - (merged[index] ?? NaN)), String(index)).toBeLessThan(3e-7);
    });
  });
});
