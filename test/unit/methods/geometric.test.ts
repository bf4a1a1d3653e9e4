import { afterAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import type { MethodNumbers } from '../../../src/methods/method';
import { BothBackends, randomValues } from './both-backends';
import type { SmallMerge } from './merge-small';
import { mergeOne, smallTensor } from './merge-small';
import type { Vector } from './plain-geometry';
import {
  arc,
  barycentre,
  byVectors,
  dot,
  karcherMean,
  line,
  minus,
  norm,
  plus,
  scale,
  stockRatio,
  sum,
} from './plain-geometry';

const both = new BothBackends();
afterAll(() => {
  both.dispose();
});
const merged = both.merged.bind(both);

/**
 * Coefficients come from sums of rounded products (each within 2^-24) and are rounded once; then two
 * to four rounded operations: 2^-21 of the largest magnitude has room for all of it.
 */
function expectNear(found: Vector, wanted: Vector, tolerance = 2 ** -21): void {
  const largest = Math.max(...wanted.map(Math.abs), 1e-30);
  found.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] ?? NaN)) / largest, `at ${String(i)}`).toBeLessThan(
      tolerance,
    );
  });
}

const shape = [6, 10];
const base = randomValues(60, 1);
const near = [2, 3, 4, 5].map((seed) => plus(base, randomValues(60, seed, 0.25)).map(Math.fround));
const [a = [], b = []] = near;
const deltas = near.map((model) => minus(model, base));
const [deltaA = [], deltaB = []] = deltas;
const far = [6, 7, 8].map((seed) => randomValues(60, seed));
const [p = [], q = []] = far;
const weighted = (...weight: number[]): Partial<MethodNumbers> => ({ perModel: { weight } });
const slerpTo = (t: number): SmallMerge => ({ method: 'slerp', numbers: { scalars: { t } } });

describe('SLERP', () => {
  it.each([0, 0.3, 0.5, 1, 1.4, -0.2])('is the arc at t = %d', async (t) => {
    expectNear(await merged(p, [q], slerpTo(t)), arc(p, q, t));
  });

  it('is a straight line between nearly equal or nearly opposite tensors', async () => {
    // Cosines of 0.9996 and 0.9994, to either side of the threshold of 0.9995.
    const across = minus(q, scale(p, norm(q) / norm(p)));
    const turned = (cosine: number): number[] => {
      const sine = Math.sqrt(1 - cosine * cosine);
      const flat = minus(across, scale(p, dot(across, p) / dot(p, p)));
      return plus(scale(p, cosine), scale(flat, (sine * norm(p)) / norm(flat))).map(Math.fround);
    };
    for (const sign of [1, -1]) {
      const close = scale(turned(0.9996), sign);
      expectNear(await merged(p, [close], slerpTo(0.4)), line(p, close, 0.4));
      const apart = scale(turned(0.9994), sign);
      // Near π the sine of 0.035 magnifies the cosine's error of 2^-24 by 900.
      const tolerance = sign === 1 ? 2 ** -21 : 2 ** -13;
      expectNear(await merged(p, [apart], slerpTo(0.4)), arc(p, apart, 0.4), tolerance);
    }
  });

  it('takes a zero tensor as perpendicular to everything, as mergekit does', async () => {
    const zero = p.map(() => 0);
    const half = Math.SQRT1_2;
    expectNear(await merged(p, [zero], slerpTo(0.5)), scale(p, half));
    expectNear(await merged(zero, [p], slerpTo(0.5)), scale(p, half));
    expect(await merged(zero, [zero], slerpTo(0.5))).toEqual(zero);
  });

  it('of one element is a straight line', async () => {
    expect(await merged([2], [[3]], slerpTo(0.25))).toEqual([2.25]);
    expect(await merged([2], [[-3]], slerpTo(0.25))).toEqual([0.75]);
  });

  it('of an infinity or a NaN is NaN throughout, as the angle is', async () => {
    expect((await merged([1, 2, 3], [[1, NaN, 2]], slerpTo(0.5))).every(Number.isNaN)).toBe(true);
    expect((await merged([1, Infinity, 3], [[1, 3, 2]], slerpTo(0.5))).every(Number.isNaN)).toBe(
      true,
    );
  });
});

describe('NuSLERP', () => {
  const merge: SmallMerge = { method: 'nuslerp', numbers: weighted(0.3, 0.9) };
  const [rows, columns] = [false, true].map((rowWise) => ({
    ...merge,
    options: { nuslerp_flatten: false, nuslerp_row_wise: rowWise },
  }));
  const mix = ([x = [], y = []]: readonly Vector[]): number[] => arc(x, y, 0.75);

  it('is the arc between whole tensors, rows or columns, with and without a base', async () => {
    expectNear(await merged(undefined, [p, q], merge), mix([p, q]));
    expectNear(await merged(base, [a, b], merge), plus(base, mix([deltaA, deltaB])));
    for (const [setting, axis] of [
      [rows, 'rows'],
      [columns, 'columns'],
    ] as const) {
      const along = (x: Vector, y: Vector): number[] => byVectors([x, y], 10, axis, mix);
      expectNear(await merged(undefined, [p, q], setting ?? merge, shape), along(p, q));
      expectNear(
        await merged(base, [a, b], setting ?? merge, shape),
        plus(base, along(deltaA, deltaB)),
      );
    }
  });

  it('takes a tensor of one dimension as one vector either way', async () => {
    const whole = await merged(undefined, [p, q], merge);
    expectNear(await merged(undefined, [p, q], rows ?? merge), whole);
    expectNear(await merged(undefined, [p, q], columns ?? merge), whole);
  });

  it('is a straight line between equal and between opposite vectors', async () => {
    expectNear(await merged(undefined, [p, scale(p, 3)], merge), scale(p, 0.25 + 0.75 * 3));
    // Exactly opposite, since doubling and changing the sign round nothing.
    expectNear(await merged(undefined, [p, scale(p, -2)], merge), scale(p, 0.25 - 0.75 * 2));
  });

  it('goes halfway when the weights cancel, and beyond an end when one is negative', async () => {
    const cancelling = { method: 'nuslerp', numbers: weighted(1, -1) };
    expectNear(await merged(undefined, [p, q], cancelling), arc(p, q, 0.5));
    const negative = { method: 'nuslerp', numbers: weighted(-0.5, 1.5) };
    expectNear(await merged(undefined, [p, q], negative), arc(p, q, 1.5));
  });

  it('leaves the base where nothing changed', async () => {
    expect(await merged(base, [base, base], merge)).toEqual(base);
    expect(await merged(base, [base, base], rows ?? merge, shape)).toEqual(base);
    expect(await merged(undefined, [p], merge)).toEqual(p);
  });
});

describe('Multi-SLERP', () => {
  const numbers = weighted(0.5, 0.2, 0.9);
  const merge: SmallMerge = { method: 'multislerp', numbers };

  it('is the author’s tangent-space average', async () => {
    expectNear(await merged(undefined, far, merge), barycentre(far, [0.5, 0.2, 0.9], 1e-8));
    const three = deltas.slice(0, 3);
    expectNear(
      await merged(base, near.slice(0, 3), merge),
      plus(base, barycentre(three, [0.5, 0.2, 0.9], 1e-8)),
    );
    const coarse = { ...merge, numbers: { ...numbers, scalars: { eps: 0.25 } } };
    expectNear(await merged(undefined, far, coarse), barycentre(far, [0.5, 0.2, 0.9], 0.25));
  });

  it('without normalised weights grows with their sum', async () => {
    const plain = await merged(undefined, far, merge);
    const grown = await merged(undefined, far, { ...merge, options: { normalize_weights: false } });
    expectNear(grown, scale(plain, 1.6));
  });

  it('of one model is that model, base or not', async () => {
    expect(await merged(undefined, [p], { method: 'multislerp' })).toEqual(p);
    expect(await merged(base, [p], { method: 'multislerp' })).toEqual(p);
  });

  it('mixes two opposite models linearly and refuses three that cancel', async () => {
    const two = { method: 'multislerp', numbers: weighted(1, 1) };
    expectNear(await merged(undefined, [p, scale(p, -2)], two), scale(p, -0.5));
    const three = { method: 'multislerp', numbers: weighted(1, 1, 0) };
    const failure = await mergeOne(
      both.wasm,
      smallTensor(undefined, [p, scale(p, -2), q]),
      three,
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LabError);
    expect(failure).toMatchObject({ code: 'recipe/bad-value' });
    expect(String(failure)).toContain('layer.weight');
  });
});

describe('the Karcher mean', () => {
  const merge: SmallMerge = {
    method: 'karcher',
    numbers: { scalars: { max_iter: 100, tol: 1e-9 } },
  };

  it.each([2, 3])('of %i models is where plain gradient steps end', async (count) => {
    expectNear(
      await merged(undefined, far.slice(0, count), merge),
      karcherMean(far.slice(0, count)),
    );
    expectNear(
      await merged(undefined, near.slice(0, count), merge),
      karcherMean(near.slice(0, count)),
    );
  });

  it('leaves out zero tensors but counts them in the length', async () => {
    const zero = p.map(() => 0);
    const found = await merged(undefined, [p, zero, q], merge);
    expectNear(found, scale(karcherMean([p, q]), 2 / 3));
    expect(await merged(undefined, [zero, zero], merge)).toEqual(zero);
  });

  it('of two opposite models is the first one’s direction', async () => {
    expectNear(await merged(undefined, [p, scale(p, -3)], merge), scale(p, 2));
    expectNear(
      await merged(undefined, [p, scale(p, -0.37).map(Math.fround)], merge),
      scale(p, 0.685),
    );
  });

  it('of one model is that model', async () => {
    expect(await merged(undefined, [p], merge)).toEqual(p);
  });

  it('is NaN when one model cannot be measured', async () => {
    for (const bad of [NaN, Infinity]) {
      const found = await merged(undefined, [p, [bad, ...q.slice(1)]], merge);
      expect(found.every(Number.isNaN)).toBe(true);
    }
  });

  it('refuses half a step', async () => {
    const half = { method: 'karcher', numbers: { scalars: { max_iter: 2.5 } } };
    await expect(mergeOne(both.wasm, smallTensor(undefined, [p, q]), half)).rejects.toMatchObject({
      code: 'recipe/bad-value',
    });
  });
});

describe('Model Stock', () => {
  const stock = (from: Vector, models: readonly Vector[]): number[] => {
    const t = stockRatio(models.map((model) => minus(model, from)));
    return line(from, scale(sum(models), 1 / models.length), t);
  };

  it.each([2, 3, 4])('of %i specialists is the closed form', async (count) => {
    const models = near.slice(0, count);
    expectNear(await merged(base, models, { method: 'model_stock' }), stock(base, models));
    const byRows = { method: 'model_stock', options: { filter_wise: true } };
    const wanted = byVectors([base, ...models], 10, 'rows', ([from = [], ...rest]) =>
      stock(from, rest),
    );
    expectNear(await merged(base, models, byRows, shape), wanted, 2 ** -19);
    expectNear(await merged(base, models, byRows), stock(base, models));
  });

  it('is the average of equal specialists and the base of unchanged or opposite ones', async () => {
    const merge = { method: 'model_stock' };
    expectNear(await merged(base, [a, a, a], merge), a);
    expect(await merged(base, [base, base], merge)).toEqual(base);
    const zero = base.map(() => 0);
    expect(await merged(zero, [p, scale(p, -1)], merge)).toEqual(zero);
  });
});
