import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import type { MergekitDraws } from '../../../src/methods/tensor-task';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { floatsOf } from '../expr/slices';
import type { SmallMerge } from './merge-small';
import { mergeAll, mergeOne } from './merge-small';
import type { Grain } from './plain-models';
import { plainModels, rowLength, tensorOf } from './plain-models';
import type { Plain, PlainNumbers } from './plain-sparsified';
import {
  crumbs,
  drop,
  dropByRank,
  joined,
  plainMergeBenchTies,
  plainRam,
  plainSce,
  plainStitch,
  trim,
} from './plain-sparsified';

const wasm = new WasmBackend({ threadCount: 1 });
afterAll(() => {
  wasm.dispose();
});

/** Numbers of the test's own in place of mergekit's: one list per model that draws. */
function drawsOf(lists: readonly (readonly number[])[]): MergekitDraws {
  return {
    uniforms: (_name, draw, first, count) =>
      Float32Array.from(lists[draw]?.slice(first, first + count) ?? []),
    permutationHead: () => Uint32Array.of(),
  };
}

/** Values are below 8 and a handful of them is added, multiplied and divided in float32. */
const tolerance = 2 ** -18;

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] ?? NaN)), `element ${i}`).toBeLessThan(tolerance);
  });
}

const weight = [0.7, -0.3, 1.1];
const grains: readonly Grain[] = ['smooth', 'coarse'];

describe.each(grains)('on %s task vectors', (grain) => {
  const plain = plainModels(grain, 3, 60);
  const random = new Random(17);
  const uniforms = plain.models.map(() =>
    plain.base.map(() => random.integer(0, 2 ** 24 - 1) * 2 ** -24),
  );

  it.each([
    { method: 'ties', sparsify: trim, elect: true },
    { method: 'dare_linear', sparsify: drop, elect: false },
    { method: 'dare_ties', sparsify: drop, elect: true },
    { method: 'della_linear', sparsify: dropByRank, elect: false },
    { method: 'della', sparsify: dropByRank, elect: true },
    { method: 'breadcrumbs', sparsify: crumbs, elect: false },
    { method: 'breadcrumbs_ties', sparsify: crumbs, elect: true },
  ])('$method is its formula in float64', async ({ method, sparsify, elect }) => {
    for (const normalize of [false, true]) {
      for (const rescale of [false, true]) {
        for (const density of [
          [0.3, 0.5, 0.7],
          [0.4, 1, 0.6],
        ]) {
          const numbers: PlainNumbers = {
            weight,
            density,
            gamma: [0.1, 0, 0.9],
            epsilon: [0.2, 0.05, 0],
            lambda: 0.8,
            normalize,
            rescale,
            uniforms,
          };
          const drawn = uniforms.filter((_, model) => (density[model] ?? 1) < 1);
          const { gamma, epsilon, lambda } = numbers;
          const found = await mergeOne(wasm, tensorOf(plain), {
            method,
            options: { normalize, rescale },
            numbers: { scalars: { lambda }, perModel: { weight, density, gamma, epsilon } },
            mergekitDraws: drawsOf(drawn),
          });
          expectClose(found, joined(plain, numbers, sparsify, elect));
        }
      }
    }
  });

  it.each([0, 0.1, 0.5, 0.9, 1])(
    'sce of select_topk %d is its formula in float64',
    async (topk) => {
      const merge = { method: 'sce', numbers: { scalars: { select_topk: topk } } };
      expectClose(await mergeOne(wasm, tensorOf(plain), merge), plainSce(plain, topk));
    },
  );

  it.each([1e-5, 0.3])('ram and ramplus_tl of epsilon %d are their formulas', async (epsilon) => {
    const ram = { method: 'ram', numbers: { scalars: { epsilon } } };
    expectClose(await mergeOne(wasm, tensorOf(plain), ram), plainRam(plain, epsilon, 0, 0));
    const plus = { method: 'ramplus_tl', numbers: { scalars: { epsilon, r: 0.7, alpha: 1.5 } } };
    expectClose(await mergeOne(wasm, tensorOf(plain), plus), plainRam(plain, epsilon, 0.7, 1.5));
  });
});

/** Two tensors, ranked as one. */
async function mergeTwo(grain: Grain, merge: SmallMerge): Promise<[number[], Plain]> {
  const [first, second] = [plainModels(grain, 5, 4), plainModels(grain, 6, 6)];
  const parts = await mergeAll(wasm, [tensorOf(first, 'a'), tensorOf(second, 'b')], merge);
  const whole: Plain = {
    base: [...first.base, ...second.base],
    models: first.models.map((model, i) => [...model, ...(second.models[i] ?? [])]),
    rowLength,
  };
  return [parts.flatMap(floatsOf), whole];
}

describe.each(grains)('over a whole model of %s task vectors', (grain) => {
  const density = [0.35, 0.35, 0.35];

  it.each(['sum', 'mean', 'max'] as const)('mb_ties by %s', async (how) => {
    const [found, whole] = await mergeTwo(grain, {
      method: 'mb_ties',
      options: { merge_func: how },
      numbers: { scalars: { lambda: 0.4 }, perModel: { density } },
    });
    expectClose(found, plainMergeBenchTies(whole, 0.35, 0.4, how));
  });

  it('mb_localize_and_stitch', async () => {
    const merge = { method: 'mb_localize_and_stitch', numbers: { perModel: { density } } };
    const [found, whole] = await mergeTwo(grain, merge);
    expectClose(found, plainStitch(whole, 0.35));
  });

  it.each([
    { method: 'ties', sparsify: trim, elect: true },
    { method: 'breadcrumbs', sparsify: crumbs, elect: false },
    { method: 'breadcrumbs_ties', sparsify: crumbs, elect: true },
  ])('$method of granularity global', async ({ method, sparsify, elect }) => {
    const gamma = [0.05, 0.1, 0];
    const [found, whole] = await mergeTwo(grain, {
      method,
      options: { granularity: 'global', normalize: false, rescale: false },
      numbers: { perModel: { weight, density, gamma } },
    });
    const rest = { lambda: 1, normalize: false, rescale: false, epsilon: [], uniforms: [] };
    expectClose(found, joined(whole, { weight, density, gamma, ...rest }, sparsify, elect));
  });
});
