import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { Random } from '../../../src/core/random';
import { chunkElements } from '../../../src/expr/backend';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { mergeTensor } from '../../../src/methods/merge-tensor';
import { PassMemory } from '../../../src/methods/pass-memory';
import { defineMethod, findMethod, methods } from '../../../src/methods/registry';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { awkwardNumbers, differences } from '../expr/slices';
import type { SmallMerge } from './merge-small';
import { mergeAll, mergeOne, smallTensor, taskOf } from './merge-small';

const wasm = new WasmBackend({ threadCount: 2 });
const oracle = new OracleBackend();
afterAll(() => {
  wasm.dispose();
});

const ids = methods.map(({ id }) => id);
const numbers = fc.array(fc.float({ noNaN: true, min: -8, max: 8 }), {
  minLength: 1,
  maxLength: 30,
});
const usesBase = (id: string): boolean => findMethod(id).base === 'required';
const takesWeights = (id: string): boolean =>
  findMethod(id).parameters.some(({ name }) => name === 'weight') &&
  findMethod(id).specialistCount.max > 2;
const ranksRows = (id: string): boolean =>
  defineMethod(findMethod(id)).passes.some(({ kind }) => kind === 'rank');
/** They divide by norms and angles, which are zero between equal models. */
const onSpheres = new Set(['nuslerp', 'multislerp', 'karcher', 'model_stock']);
/** How many models there are decides how strongly each counts. */
const countsModels = new Set(['lines', 'pcb']);
const ones = (count: number): number[] => Array.from({ length: count }, () => 1);

function randomNumbers(count: number, seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Math.fround(random.next01() * 2 - 1));
}

describe.each(ids)('%s', (id) => {
  it.skipIf(onSpheres.has(id))('of models equal to the base is the base', async () => {
    await fc.assert(
      fc.asyncProperty(
        numbers,
        fc.integer(findMethod(id).specialistCount),
        async (values, count) => {
          const models = smallTensor(
            usesBase(id) ? values : undefined,
            ones(count).map(() => values),
          );
          const merged = await mergeOne(wasm, models, {
            method: id,
            numbers: { perModel: { density: ones(count).map(() => 1) } },
          });
          const wanted = await mergeOne(oracle, models, {
            method: id,
            numbers: { perModel: { density: ones(count).map(() => 1) } },
          });
          expect(merged).toEqual(wanted);
          // An average of n equal numbers is rounded n + 1 times; task vectors of zero change nothing.
          merged.forEach((value, index) => {
            const exact = values[index] ?? NaN;
            const tolerance = usesBase(id) ? 0 : Math.abs(exact) * (count + 1) * 2 ** -24;
            expect(Math.abs(value - exact)).toBeLessThanOrEqual(tolerance);
          });
        },
      ),
      { numRuns: 25, seed: 11 },
    );
  });

  it.skipIf(!takesWeights(id) || countsModels.has(id))(
    'leaves out a model of weight 0',
    async () => {
      const base = usesBase(id) ? randomNumbers(50, 1) : undefined;
      const [a, b, c] = [2, 3, 4].map((seed) => randomNumbers(50, seed));
      const merge = (weight: number[]): SmallMerge => ({
        method: id,
        numbers: { perModel: { weight, density: weight.map(() => 0.5) } },
      });
      const without = await mergeOne(
        wasm,
        smallTensor(base, [a ?? [], b ?? []]),
        merge([0.7, 0.4]),
      );
      const withIt = await mergeOne(
        wasm,
        smallTensor(base, [a ?? [], b ?? [], c ?? []]),
        merge([0.7, 0.4, 0]),
      );
      expect(withIt).toEqual(without);
    },
  );

  it('is bit for bit the same on one thread, two threads, the oracle and any slices', async () => {
    // A slice ends at the end of a row where rows are ranked.
    const count = 3 * chunkElements + (ranksRows(id) ? 8 : 3);
    const shape = ranksRows(id) ? [count / 8, 8] : [count];
    const { max } = findMethod(id).specialistCount;
    const base = usesBase(id) ? randomNumbers(count, 1) : undefined;
    const tensor = {
      ...smallTensor(
        base,
        [2, 3, 4].slice(0, max).map((seed) => randomNumbers(count, seed)),
        'BF16',
      ),
      shape,
    };
    const merge: SmallMerge = {
      method: id,
      numbers: { perModel: { weight: [0.6, -0.2, 0.9], density: [0.3, 0.7, 1] } },
      outDtype: 'BF16',
      seed: 99,
    };
    const single = new WasmBackend({ threadCount: 1 });
    const [wanted] = await mergeAll(oracle, [tensor], merge);
    for (const backend of [single, wasm]) {
      const [whole] = await mergeAll(backend, [tensor], merge);
      expect(differences(whole ?? new Uint8Array(), wanted ?? new Uint8Array(), 'BF16')).toEqual(
        [],
      );
      const [sliced] = await mergeAll(backend, [tensor], {
        ...merge,
        sliceElements: chunkElements,
      });
      expect(sliced).toEqual(whole);
    }
    single.dispose();
  });

  it.each([0, 1, 2, 3, 5])('merges %i elements, awkward ones too', async (count) => {
    const pick = (shift: number): number[] =>
      Array.from({ length: count }, (_, i) => awkwardNumbers[(i * 5 + shift) % 21] ?? 0);
    const tensor = smallTensor(usesBase(id) ? pick(0) : undefined, [pick(3), pick(7)]);
    const [found = new Uint8Array()] = await mergeAll(wasm, [tensor], { method: id });
    const [wanted = new Uint8Array()] = await mergeAll(oracle, [tensor], { method: id });
    expect(found.length).toBe(4 * count);
    expect(differences(found, wanted, 'F32')).toEqual([]);
  });

  it('describes every parameter for a person', () => {
    const method = findMethod(id);
    for (const { name, meaning, larger } of method.parameters) {
      expect(name).toMatch(/^[a-z_]+$/);
      expect(meaning).toMatch(/\.$/);
      expect(larger).toMatch(/\.$/);
    }
    expect(defineMethod(method)).toBe(defineMethod(method, {}));
  });
});

describe('task vectors', () => {
  const base = randomNumbers(64, 5);
  const specialists = [6, 7].map((seed) => randomNumbers(64, seed));
  const tensor = smallTensor(base, specialists);

  it.each([
    'task_arithmetic',
    'ties',
    'dare_linear',
    'dare_ties',
    'della',
    'della_linear',
    'breadcrumbs',
    'breadcrumbs_ties',
    'mb_ties',
    'mb_dare',
  ])('%s grows with lambda', async (method) => {
    const at = (lambda: number): Promise<number[]> =>
      mergeOne(wasm, tensor, {
        method,
        numbers: { scalars: { lambda }, perModel: { density: [0.5, 0.5] } },
      });
    const [none, one, two] = [await at(0), await at(1), await at(2)];
    expect(none).toEqual(base);
    one.forEach((value, index) => {
      const origin = base[index] ?? 0;
      // Two roundings of numbers below 8.
      expect(Math.abs((two[index] ?? 0) - origin - 2 * (value - origin))).toBeLessThan(2 ** -20);
    });
  });

  it('of density 1 are not trimmed, and nothing is dropped', async () => {
    const plain = await mergeOne(wasm, tensor, { method: 'task_arithmetic' });
    const dare = await mergeOne(wasm, tensor, { method: 'dare_linear' });
    expect(dare).toEqual(plain);
    const agreeing = smallTensor(base, [base.map((x) => x + 1), base.map((x) => x + 2)]);
    const ties = { method: 'ties', options: { normalize: false } };
    expect(await mergeOne(wasm, agreeing, ties)).toEqual(
      await mergeOne(wasm, agreeing, { method: 'task_arithmetic' }),
    );
  });

  it('refuse a density that keeps nothing, and name the tensor', async () => {
    const merge = { method: 'ties', numbers: { perModel: { density: [0.5, 0.01] } } };
    const failure = await mergeOne(wasm, tensor, merge).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LabError);
    expect(failure).toMatchObject({ code: 'recipe/bad-value' });
    expect(String(failure)).toContain('layer.weight');
  });
});

describe('DARE', () => {
  it('keeps about the density, independently for every model and tensor', async () => {
    const count = 200_000;
    const zeros = Array.from({ length: count }, () => 0);
    const one = ones(count);
    const draw = (name: string, seed: number): Promise<number[][]> =>
      Promise.all(
        [
          [1, 0],
          [0, 1],
        ].map((weight) =>
          mergeOne(wasm, smallTensor(zeros, [one, one], 'BF16', name), {
            method: 'dare_linear',
            options: { rescale: false },
            numbers: { perModel: { weight, density: [0.3, 0.3] } },
            seed,
          }),
        ),
      );
    const [[first = [], second = []], [other = []], [reseeded = []]] = await Promise.all([
      draw('a', 1),
      draw('b', 1),
      draw('a', 2),
    ]);
    const share = (a: number[], b: number[]): number =>
      a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0) / count;
    // Standard deviations: sqrt(0.21 / n) = 0.0010 and sqrt(0.09 · 0.91 / n) = 0.0006; five of them.
    expect(Math.abs(share(first, first) - 0.3)).toBeLessThan(0.005);
    for (const unrelated of [second, other, reseeded]) {
      expect(Math.abs(share(first, unrelated) - 0.09)).toBeLessThan(0.0032);
    }
    // Neighbouring elements are independent too.
    expect(Math.abs(share(first.slice(1), first) - 0.09)).toBeLessThan(0.0032);
  });

  it('restores the L1 norm of the mask that was drawn', async () => {
    const zeros = Array.from({ length: 4096 }, () => 0);
    const values = randomNumbers(4096, 12);
    const merged = await mergeOne(wasm, smallTensor(zeros, [values]), {
      method: 'dare_linear',
      numbers: { perModel: { density: [0.25] } },
    });
    const norm = (list: number[]): number => list.reduce((sum, x) => sum + Math.abs(x), 0);
    // One float32 rounding of the factor, one of every product.
    expect(norm(merged) / norm(values)).toBeCloseTo(1, 6);
    expect(merged.filter((value) => value === 0).length).toBeGreaterThan(2800);
  });
});

describe('TIES over the whole model', () => {
  it('ranks all tensors together', async () => {
    const small = smallTensor([0, 0, 0, 0], [[0.1, -0.2, 0.3, -0.4]], 'F32', 'small');
    const large = smallTensor([0, 0, 0, 0], [[1, -2, 3, -4]], 'F32', 'large');
    const merge: SmallMerge = { method: 'ties', numbers: { perModel: { density: [0.5] } } };
    const floats = (list: Uint8Array[]): number[][] =>
      list.map((bytes) => [...new Float32Array(bytes.buffer)]);
    const global = { ...merge, options: { granularity: 'global' } };
    expect(floats(await mergeAll(wasm, [small, large], global))).toEqual([
      [0, 0, 0, 0],
      [1, -2, 3, -4],
    ]);
    const perTensor = floats(await mergeAll(wasm, [small, large], merge));
    expect(perTensor[1]).toEqual([0, 0, 3, -4]);
    expect(perTensor[0]?.slice(0, 2)).toEqual([0, 0]);
  });
});

describe('a merge of the same weights again', () => {
  it('measures anew only what changed', async () => {
    const tensor = smallTensor(
      randomNumbers(500, 1),
      [2, 3].map((seed) => randomNumbers(500, seed)),
    );
    for (const method of ['ties', 'dare_linear']) {
      const memory = new PassMemory();
      let reductions = 0;
      const counting = new OracleBackend();
      const reduce = counting.reduce.bind(counting);
      counting.reduce = (...args) => {
        reductions++;
        return reduce(...args);
      };
      const run = async (weight: number[], density: number[], seed = 1): Promise<number> => {
        const merge: SmallMerge = { method, numbers: { perModel: { weight, density } }, seed };
        const before = reductions;
        const found = await mergeOne(counting, tensor, { ...merge, memory });
        expect(found).toEqual(await mergeOne(oracle, tensor, merge));
        return reductions - before;
      };
      expect(await run([1, 1], [0.5, 0.5])).toBeGreaterThan(0);
      expect(await run([0.3, -1], [0.5, 0.5])).toBe(0);
      expect(await run([0.3, -1], [0.5, 0.4])).toBeGreaterThan(0);
      expect((await run([0.3, -1], [0.5, 0.4], 2)) > 0).toBe(method === 'dare_linear');
    }
  });
});

describe('an aborted merge', () => {
  it('rejects with the reason and leaves no slice open', async () => {
    const count = 4 * chunkElements;
    const tensor = smallTensor(randomNumbers(count, 1), [randomNumbers(count, 2)]);
    const controller = new AbortController();
    const merge: SmallMerge = { method: 'ties', sliceElements: chunkElements };
    const open = new Set<object>();
    const task = taskOf(wasm, tensor, merge, open);
    const merged = mergeTensor(
      wasm,
      defineMethod(findMethod('ties')),
      task,
      'F32',
      () => {
        controller.abort(new Error('stop'));
      },
      { seed: 0, signal: controller.signal },
    );
    await expect(merged).rejects.toThrow('stop');
    expect(open.size).toBe(0);
  });
});
