import { afterAll, describe, expect, it } from 'vitest';
import type { LayerPlace, TensorRole } from '../../../src/methods/method';
import { BothBackends, randomValues } from './both-backends';
import type { SmallMerge } from './merge-small';
import { mergeAll, mergeOne, smallTensor } from './merge-small';
import { plainPcb } from './plain-pcb';

const both = new BothBackends();
afterAll(() => {
  both.dispose();
});
const merged = both.merged.bind(both);

type Values = readonly number[];

/** Numbers below 4 that were rounded a few times: 2^-21 is two of their last places. */
function expectNear(found: Values, wanted: Values, tolerance = 2 ** -21): void {
  found.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] ?? NaN)), `at ${String(i)}`).toBeLessThan(tolerance);
  });
}

const count = 96;
const base = randomValues(count, 1);
const models = [2, 3, 4].map((seed) => {
  const change = randomValues(count, seed, 0.5);
  return base.map((value, i) => Math.fround(value + (change[i] ?? 0)));
});
const [a = [], b = []] = models;
const taskVectors = models.map((model) => model.map((value, i) => value - (base[i] ?? 0)));
const plusBase = (change: Values): number[] => base.map((value, i) => value + (change[i] ?? 0));
const at = (model: number, i: number): number => taskVectors[model]?.[i] ?? 0;

describe('MagMax', () => {
  it('takes each weight from the specialist that changed it most, a later one on a tie', async () => {
    const largest = base.map((_, i) => {
      const changes = [0, 1, 2].map((model) => at(model, i));
      return changes.reduce((most, tau) => (Math.abs(tau) >= Math.abs(most) ? tau : most));
    });
    expectNear(
      await merged(base, models, { method: 'magmax' }),
      plusBase(largest.map((tau) => 0.5 * tau)),
    );
    const full = { method: 'magmax', numbers: { scalars: { lambda: 1 } } };
    expect(
      await merged(
        [0, 0, 0],
        [
          [1, -2, 0],
          [-1, 1, 0],
        ],
        full,
      ),
    ).toEqual([-1, -2, 0]);
    expect(await merged(base, [base, base], full)).toEqual(base);
  });
});

describe('LiNeS', () => {
  const total = base.map((_, i) => at(0, i) + at(1, i) + at(2, i));
  const scaled = async (
    merge: Omit<SmallMerge, 'method'>,
    layer?: LayerPlace,
    role?: TensorRole,
  ): Promise<number> => {
    const tensor = {
      ...smallTensor(base, models),
      ...(layer === undefined ? {} : { layer }),
      ...(role === undefined ? {} : { role }),
    };
    const found = await mergeOne(both.wasm, tensor, { method: 'lines', ...merge });
    // Where the sum is largest, the factor can be read off best.
    const place = total.reduce(
      (best, x, i) => (Math.abs(x) > Math.abs(total[best] ?? 0) ? i : best),
      0,
    );
    const factor = ((found[place] ?? NaN) - (base[place] ?? NaN)) / (total[place] ?? NaN);
    expectNear(found, plusBase(total.map((tau) => tau * factor)), 2 ** -20);
    return factor;
  };
  const given = { numbers: { scalars: { alpha: 0.2, beta: 0.6 } } };

  it('rises from α in the first layer to α + β in the last', async () => {
    expect(await scaled(given, { index: 0, count: 4 })).toBeCloseTo(0.2, 6);
    expect(await scaled(given, { index: 1, count: 4 })).toBeCloseTo(0.4, 6);
    expect(await scaled(given, { index: 3, count: 4 })).toBeCloseTo(0.8, 6);
    expect(await scaled(given, { index: 0, count: 1 })).toBeCloseTo(0.8, 6);
  });

  it('is 1 / N plus half of the depth unless told otherwise', async () => {
    expect(await scaled({}, { index: 2, count: 5 })).toBeCloseTo(1 / 3 + 0.25, 6);
    expect(await scaled({})).toBeCloseTo(1 / 3, 6);
  });

  it('takes α outside the layers, and the deep end on request, but never for the embedding', async () => {
    expect(await scaled(given, undefined, 'head')).toBeCloseTo(0.2, 6);
    const deep = { ...given, options: { deep_head: true } };
    expect(await scaled(deep, undefined, 'head')).toBeCloseTo(0.8, 6);
    expect(await scaled(deep, undefined, 'other')).toBeCloseTo(0.8, 6);
    expect(await scaled(deep, undefined, 'embedding')).toBeCloseTo(0.2, 6);
    expect(await scaled(deep, { index: 0, count: 4 }, 'matrix')).toBeCloseTo(0.2, 6);
  });
});

describe('PCB-Merging', () => {
  const ratios = [0.05, 0.1, 0.5, 0.9, 1];

  it.each(ratios)('of ratio %d is the authors’ sequence of steps', async (ratio) => {
    const merge: SmallMerge = { method: 'pcb', numbers: { scalars: { pcb_ratio: ratio } } };
    // The scores that decide are far enough apart here; a weight near its cut is magnified.
    expectNear(await merged(base, models, merge), plusBase(plainPcb(taskVectors, ratio)), 2 ** -12);
  });

  it('balances over all tensors together', async () => {
    const parts = [0, 40].map((start) => ({
      ...smallTensor(
        base.slice(start, start === 0 ? 40 : count),
        models.map((model) => model.slice(start, start === 0 ? 40 : count)),
      ),
      name: `part ${String(start)}`,
    }));
    const merge: SmallMerge = { method: 'pcb', numbers: { scalars: { pcb_ratio: 0.3 } } };
    const apart = await mergeAll(both.wasm, parts, merge);
    const whole = await merged(base, models, merge);
    expect(apart.flatMap((bytes) => [...new Float32Array(bytes.buffer)])).toEqual(whole);
  });

  it('leaves the base alone where nothing is kept, and scales by lambda', async () => {
    expect(await merged(base, [base, base], { method: 'pcb' })).toEqual(base);
    const withLambda = (lambda: number): Promise<number[]> =>
      merged(base, models, { method: 'pcb', numbers: { scalars: { lambda } } });
    const [one, two] = [await withLambda(1), await withLambda(2)];
    const changed = one.filter((value, i) => value !== base[i]).length;
    expect(changed).toBeGreaterThan(5);
    expect(changed).toBeLessThan(count / 2);
    expectNear(
      two,
      one.map((value, i) => 2 * value - (base[i] ?? 0)),
    );
  });

  it.each([0, -0.5, 1.5])('refuses a ratio of %d', async (ratio) => {
    const merge: SmallMerge = { method: 'pcb', numbers: { scalars: { pcb_ratio: ratio } } };
    const failure = mergeOne(both.wasm, smallTensor(base, models), merge);
    await expect(failure).rejects.toMatchObject({ code: 'recipe/bad-value' });
  });
});

describe('MergeBench’s sums', () => {
  it('leave embedding and head at the base unless they are included', async () => {
    for (const method of ['mb_model_soup', 'mb_task_arithmetic', 'mb_consensus']) {
      for (const role of ['embedding', 'head'] as const) {
        const tensor = { ...smallTensor(base, [a, b]), role };
        expect(await mergeOne(both.wasm, tensor, { method })).toEqual(base);
        const included: SmallMerge = { method, options: { include_embeddings: true } };
        expect(await mergeOne(both.wasm, tensor, included)).not.toEqual(base);
      }
    }
  });

  it('are the average, and the weighted sum times lambda', async () => {
    const soup = base.map((value, i) => value + (at(0, i) + at(1, i) + at(2, i)) / 3);
    expectNear(await merged(base, models, { method: 'mb_model_soup' }), soup);
    const merge = {
      method: 'mb_task_arithmetic',
      numbers: { scalars: { lambda: 0.4 }, perModel: { weight: [1, -0.5, 0] } },
    };
    const sum = base.map((_, i) => 0.4 * (at(0, i) - 0.5 * at(1, i)));
    expectNear(await merged(base, models, merge), plusBase(sum));
  });

  it('keep a change that enough specialists need', async () => {
    for (const k of [0, 1, 2, 3]) {
      const merge = {
        method: 'mb_consensus',
        numbers: { scalars: { k }, perModel: { mask_lambda: [0.3, 0.6, 0.9] } },
      };
      const wanted = base.map((_, i) => {
        const changes = [0, 1, 2].map((model) => at(model, i));
        const total = changes.reduce((sum, tau) => sum + tau, 0);
        const votes = changes.filter(
          (tau, model) => Math.abs(tau) > ([0.3, 0.6, 0.9][model] ?? 0) * Math.abs(total - tau),
        );
        return votes.length >= k ? total : 0;
      });
      expectNear(await merged(base, models, merge), plusBase(wanted));
    }
  });
});
