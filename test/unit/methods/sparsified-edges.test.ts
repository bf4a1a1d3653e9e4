import { afterAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import type { TensorRole } from '../../../src/methods/method';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { floatsOf } from '../expr/slices';
import type { SmallTensor } from './merge-small';
import { mergeAll, mergeOne, smallTensor } from './merge-small';
import { plainModels, tensorOf } from './plain-models';

const wasm = new WasmBackend({ threadCount: 1 });
afterAll(() => {
  wasm.dispose();
});

describe('MergeBench’s methods', () => {
  const ids = ['mb_ties', 'mb_dare', 'mb_localize_and_stitch'];

  it.each(ids)('%s leaves embedding and head at the base, unless told', async (method) => {
    const roles: TensorRole[] = ['embedding', 'matrix', 'head'];
    const plains = roles.map((_, index) => plainModels('smooth', 20 + index, 3));
    const tensors = plains.map((plain, i) => tensorOf(plain, roles[i], roles[i]));
    const numbers = { perModel: { density: [0.5, 0.5, 0.5] } };
    const isBase = async (include: boolean): Promise<boolean[]> => {
      const options = { include_embeddings: include };
      const merged = await mergeAll(wasm, tensors, { method, options, numbers });
      return merged.map((bytes, i) => floatsOf(bytes).join() === plains[i]?.base.join());
    };
    expect(await isBase(false)).toEqual([true, false, true]);
    expect(await isBase(true)).toEqual([false, false, false]);

    // What stays at the base takes no part in the threshold either.
    const alone = await mergeAll(wasm, tensors.slice(1, 2), { method, numbers });
    const [, among] = await mergeAll(wasm, tensors, { method, numbers });
    expect(among).toEqual(alone[0]);
  });

  it.each([
    { majority: 1, others: [3, 3, -3], kept: 5 },
    { majority: -1, others: [-3, -3, 3], kept: -5 },
    { majority: 0, others: [3, -3, 0], kept: -5 },
  ])('break a tied vote by a majority of $majority', async ({ others, kept }) => {
    const zeros = [0, 0, 0, 0];
    const tensor = smallTensor(zeros, [
      [5, ...others],
      [-5, ...others],
    ]);
    const merge = { method: 'mb_ties', numbers: { perModel: { density: [1, 1] } } };
    expect((await mergeOne(wasm, tensor, merge))[0]).toBe(kept);
  });

  it('keep what ties with the threshold, and one change more than the share', async () => {
    const tensor = smallTensor([0, 0, 0, 0, 0, 0], [[4, 3, -2, 2, 2, 1]]);
    const merge = (method: string, share: number): Promise<number[]> =>
      mergeOne(wasm, tensor, { method, numbers: { perModel: { density: [share] } } });
    expect(await merge('mb_ties', 0.2)).toEqual([4, 3, 0, 0, 0, 0]);
    expect(await merge('mb_ties', 0.4)).toEqual([4, 3, -2, 2, 2, 0]);
    expect(await merge('mb_localize_and_stitch', 0.4)).toEqual([4, 3, 0, 0, 0, 0]);
    expect(await merge('mb_localize_and_stitch', 0.5)).toEqual([4, 3, -2, 2, 2, 0]);
    expect(await merge('mb_localize_and_stitch', 0.01)).toEqual([4, 0, 0, 0, 0, 0]);
  });

  it('drop at random and divide by the density, exactly', async () => {
    const count = 20_000;
    const zeros = Array.from({ length: count }, () => 0);
    const tensor = smallTensor(zeros, [zeros.map(() => 3)]);
    const merge = { method: 'mb_dare', numbers: { perModel: { density: [0.25] } }, seed: 4 };
    const merged = await mergeOne(wasm, tensor, merge);
    expect(new Set(merged)).toEqual(new Set([0, 12]));
    // The mean of 20 000 draws of 0 or 12: 3 with a standard error of 0.037; five of them.
    const mean = merged.reduce((sum, value) => sum + value, 0) / count;
    expect(Math.abs(mean - 3)).toBeLessThan(0.19);
    expect(await mergeOne(wasm, tensor, { ...merge, seed: 5 })).not.toEqual(merged);
  });

  it.each(ids)('%s refuses what is no share', async (method) => {
    for (const density of [0, -0.5, 20, NaN]) {
      const merge = { method, numbers: { perModel: { density: [0.5, 0.5, density] } } };
      const failure = await mergeOne(wasm, tensorOf(plainModels('smooth', 1, 2)), merge).catch(
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(LabError);
      expect(failure).toMatchObject({ code: 'recipe/bad-value' });
      expect(String(failure)).toContain(`density of ${density} for model 3`);
    }
  });
});

describe('DELLA', () => {
  const tensor = tensorOf(plainModels('smooth', 8, 3));
  const failureOf = (models: SmallTensor, density: number, epsilon: number): Promise<unknown> =>
    mergeOne(wasm, models, {
      method: 'della',
      numbers: { perModel: { density: [1, density, 1], epsilon: [0.9, epsilon, 0.9] } },
    }).catch((error: unknown) => error);

  it.each([
    { density: 0.5, epsilon: 0.5 },
    { density: 0.9, epsilon: 0.1 },
    { density: 0.1, epsilon: 0.15 },
    { density: 0.66, epsilon: 1.35 },
  ])('refuses an epsilon of $epsilon around $density', async ({ density, epsilon }) => {
    const failure = await failureOf(tensor, density, epsilon);
    expect(failure).toMatchObject({ code: 'recipe/bad-value' });
    expect(String(failure)).toContain(`epsilon of ${epsilon} around the density of ${density}`);
    expect(String(failure)).toContain('layer.weight');
  });

  it('refuses rows of one element, which have no ranks', async () => {
    const column = { ...tensor, shape: [27, 1] };
    expect(await failureOf(column, 0.5, 0.1)).toMatchObject({ code: 'recipe/bad-value' });
    expect(Array.isArray(await failureOf(column, 1, 0.1))).toBe(true);
    expect(Array.isArray(await failureOf(column, 0, 0.1))).toBe(true);
  });

  it('keeps large changes of a row more often than small ones', async () => {
    const rowCount = 4000;
    const row = [1, -2, 3, -4, 5];
    const values = Array.from({ length: rowCount }, () => row).flat();
    const models = {
      ...smallTensor(
        values.map(() => 0),
        [values],
      ),
      shape: [rowCount, 5],
    };
    const merged = await mergeOne(wasm, models, {
      method: 'della_linear',
      options: { rescale: false },
      numbers: { perModel: { density: [0.5], epsilon: [0.4] } },
    });
    row.forEach((_, column) => {
      const kept = merged.filter((value, i) => i % 5 === column && value !== 0).length;
      // Chances of 0.1, 0.3, 0.5, 0.7, 0.9; five standard errors of 4000 draws are at most 0.04.
      expect(Math.abs(kept / rowCount - (0.1 + 0.2 * column))).toBeLessThan(0.04);
    });
  });
});

describe('Breadcrumbs', () => {
  const count = 50;
  const values = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? i + 1 : -(i + 1)));
  const tensor = smallTensor(
    values.map(() => 0),
    [values],
  );
  const keptOf = async (density: number, gamma: number): Promise<number[]> => {
    const numbers = { perModel: { density: [density], gamma: [gamma] } };
    const merged = await mergeOne(wasm, tensor, { method: 'breadcrumbs', numbers });
    return merged.flatMap((value, i) => (value === 0 ? [] : [i]));
  };
  const range = (from: number, end: number): number[] =>
    Array.from({ length: end - from }, (_, i) => from + i);

  it.each([
    { density: 0.5, gamma: 0.02, kept: range(24, 49) },
    { density: 0.5, gamma: 0.9, kept: range(0, 25) },
    { density: 0.9, gamma: 0.3, kept: range(0, 45) },
    { density: 0.5, gamma: 0, kept: range(25, 50) },
    { density: 0, gamma: 0.1, kept: [] },
    { density: 1, gamma: 0.3, kept: range(0, 50) },
  ])('of density $density and gamma $gamma', async ({ density, gamma, kept }) => {
    expect(await keptOf(density, gamma)).toEqual(kept);
  });

  it.each([-0.1, 1.5, NaN])('refuses a gamma of %d', async (gamma) => {
    await expect(keptOf(0.5, gamma)).rejects.toMatchObject({ code: 'recipe/bad-value' });
  });
});

describe('SCE', () => {
  it('weighs all specialists alike when they hardly changed', async () => {
    // mergekit 0.1.4: deltas of RMS 5e-4 and 2e-4 weigh the same, ten times larger ones do not.
    const shareOf = async (scale: number): Promise<number> => {
      const [a, b] = [5e-4 * scale, 2e-4 * scale];
      const tensor = smallTensor(
        [0, 0],
        [
          [a, a],
          [b, b],
        ],
      );
      const [merged = NaN] = await mergeOne(wasm, tensor, { method: 'sce' });
      return (merged - b) / (a - b);
    };
    expect(await shareOf(1)).toBeCloseTo(0.5, 5);
    expect(await shareOf(10)).toBeCloseTo(25 / 29, 5);
  });

  it('leaves the base where a single specialist has no variance', async () => {
    const tensor = smallTensor([1, 2], [[3, 5]]);
    const half = { method: 'sce', numbers: { scalars: { select_topk: 0.5 } } };
    expect(await mergeOne(wasm, tensor, half)).toEqual([1, 2]);
    expect(await mergeOne(wasm, tensor, { method: 'sce' })).toEqual([3, 5]);
  });
});
