import { afterAll, describe, expect, it, vi } from 'vitest';
import { invariant } from '../../../src/core/errors';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { Float64Algebra } from '../../../src/linalg/float64-algebra';
import { JaxAlgebra } from '../../../src/linalg/jax-algebra';
import { JaxDevice } from '../../../src/linalg/jax-device';
import type { Matrix, TensorRole } from '../../../src/methods/method';
import { PassMemory } from '../../../src/methods/pass-memory';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { maxDifference, maxMagnitude, randomMatrix } from '../linalg/random-matrices';
import type { SmallMerge, SmallTensor } from './merge-small';
import { mergeOne, smallTensor } from './merge-small';
import { spectralCases, spectralIds, spectralMerges, taskMatrices } from './spectral-goldens';

const opened = await JaxDevice.open('wasm');
invariant(opened, 'Node has WebAssembly');
const algebras = [new Float64Algebra(), new JaxAlgebra(opened)];
const backend = new WasmBackend({ threadCount: 1 });
const oracle = new OracleBackend();
afterAll(() => {
  backend.dispose();
});

describe.each(spectralIds)('%s', (id) => {
  const merge = spectralMerges[id];

  describe.each(algebras)('on $id', (algebra) => {
    // The goldens are rounded to float32, and float32 products err by some roundings more.
    const tolerance = algebra.id === 'float64' ? 2 ** -23 : 2e-6;

    it.each(spectralCases)('is NumPy’s on matrices: $name', async ({ tasks, merged }) => {
      const found = await merge(taskMatrices(id, tasks, algebra));
      const scale = maxMagnitude(merged[id]);
      expect(maxDifference(found, merged[id])).toBeLessThanOrEqual(tolerance * scale);
    });

    it('of zero task vectors is zero', async () => {
      const none = { rowCount: 60, columnCount: 50, values: new Float32Array(3000) };
      expect(maxMagnitude(await merge(taskMatrices(id, [none, none], algebra)))).toBe(0);
    });

    it('turns with the matrix: transposes go to transposes', async () => {
      // Not so WUDI and Iso-CTS, which treat outputs and inputs differently.
      if (id === 'wudi' || id === 'iso_cts') return;
      const tasks = [1, 2].map((seed) => randomMatrix(52, 61, seed) as Matrix);
      const flip = ({ rowCount, columnCount, values }: Matrix): Matrix => ({
        rowCount: columnCount,
        columnCount: rowCount,
        values: values.map(
          (_, i) => values[(i % rowCount) * columnCount + Math.floor(i / rowCount)] ?? NaN,
        ),
      });
      const found = await merge(taskMatrices(id, tasks, algebra));
      const turned = await merge(taskMatrices(id, tasks.map(flip), algebra));
      const back = flip({ ...turned, values: Float32Array.from(turned.values) });
      expect(maxDifference(back, found)).toBeLessThan(tolerance * 4 * maxMagnitude(found));
    });
  });
});

/** A base and three specialists of one shape, with weights of ordinary size. */
function tensorOf(shape: readonly [number, number], role: TensorRole, count = 3): SmallTensor {
  const [rows, columns] = shape;
  const numbers = (seed: number): number[] => [...randomMatrix(rows, columns, seed).values];
  const specialists = Array.from({ length: count }, (_, model) => numbers(model + 2));
  return { ...smallTensor(numbers(1), specialists), shape, role };
}

describe.each(spectralIds)('a merge by %s', (id) => {
  const shape = [13, 30] as const;
  const close = (found: readonly number[], wanted: readonly number[], tolerance: number): void => {
    const worst = found.map((value, i) => Math.abs(value - (wanted[i] ?? NaN)));
    expect(Math.max(...worst)).toBeLessThanOrEqual(tolerance);
  };

  it.each(['embedding', 'head', 'other'] as const)('averages a tensor of role %s', async (role) => {
    const tensor = tensorOf(shape, role);
    const found = await mergeOne(backend, tensor, { method: id });
    const mean = [0, 1, 2].map((model) => randomMatrix(...shape, model + 2).values);
    const wanted = Array.from(mean[0] ?? [], (_, i) =>
      mean.reduce((sum, values) => sum + (values[i] ?? NaN) / 3, 0),
    );
    // Three sums and a division of numbers below 2.
    close(found, wanted, 2 ** -21);
  });

  it('is the same on every back end when matrices are small', async () => {
    const tensor = tensorOf(shape, 'matrix');
    const merge: SmallMerge = { method: id, numbers: { perModel: { weight: [0.6, 1, -0.3] } } };
    expect(await mergeOne(backend, tensor, merge)).toEqual(await mergeOne(oracle, tensor, merge));
  });

  it('is nearly the same when they are not', async () => {
    const tensor = tensorOf([60, 70], 'matrix');
    const found = await mergeOne(backend, tensor, { method: id });
    const wanted = await mergeOne(oracle, tensor, { method: id });
    // Float32 products of numbers of about 1, and Adam's steps where a gradient is nearly zero.
    close(found, wanted, 2e-5);
  });

  it.each(['matrix', 'other'] as const)('leaves out a model of weight 0: %s', async (role) => {
    const three = tensorOf(shape, role, 3);
    const two = tensorOf(shape, role, 2);
    const found = await mergeOne(backend, three, {
      method: id,
      numbers: { perModel: { weight: [0.7, 0.4, 0] } },
    });
    const wanted = await mergeOne(backend, two, {
      method: id,
      numbers: { perModel: { weight: [0.7, 0.4] } },
    });
    expect(found).toEqual(wanted);
  });

  it('grows with lambda, from the base', async () => {
    const tensor = tensorOf(shape, 'matrix');
    const at = (lambda: number): Promise<number[]> =>
      mergeOne(backend, tensor, { method: id, numbers: { scalars: { lambda } } });
    const base = [...randomMatrix(...shape, 1).values];
    expect(await at(0)).toEqual(base);
    const [one, two] = [await at(1), await at(2)];
    const wanted = one.map((value, i) => 2 * value - (base[i] ?? NaN));
    // Some roundings of numbers below 8.
    close(two, wanted, 2 ** -20);
  });

  it('is NaN when an input is, instead of never ending', async () => {
    const tensor = tensorOf(shape, 'matrix');
    const broken = smallTensor(
      [...randomMatrix(...shape, 1).values],
      [[...randomMatrix(...shape, 2).values.fill(Infinity, 5, 6)]],
    );
    const found = await mergeOne(backend, { ...tensor, ...broken }, { method: id });
    expect(found.every(Number.isNaN)).toBe(true);
  });

  it('solves once while only lambda moves', async () => {
    const solving = vi.spyOn(JaxAlgebra.prototype, id === 'wudi' ? 'descend' : 'polarFactor');
    const memory = new PassMemory();
    const tensor = tensorOf([60, 64], 'matrix', 2);
    const at = (lambda: number, weight = 1): Promise<number[]> =>
      mergeOne(backend, tensor, {
        method: id,
        memory,
        numbers: { scalars: { lambda }, perModel: { weight: [1, weight] } },
      });
    const first = await at(1);
    const count = solving.mock.calls.length;
    expect(count).toBeGreaterThan(0);
    expect(await at(2)).not.toEqual(first);
    expect(await at(1)).toEqual(first);
    expect(solving).toHaveBeenCalledTimes(count);
    await at(1, 0.5);
    expect(solving).toHaveBeenCalledTimes(2 * count);
    solving.mockRestore();
  });
});

describe('published numbers', () => {
  const base = [1, -2, 0.5, 3, 0.25, 0, -1, 2];
  const a = [1.5, -2.25, 0.5, 2, 0.25, 0.5, -1.5, 2.5];
  const b = [0, -2, 1, 3.5, 0.5, 0.5, -0.25, 1];

  // Computed with FusionBench's and the authors' code in float32; printed with six digits.
  it.each([
    [
      'tsv_merge',
      [0.165448, -0.909563, 0.16488, -0.91367, 0.730641, 0.946176, 0.328929, -0.754615],
    ],
    ['iso_c', [-0.575222, -0.287611, 0.575222, -0.575222, 0.221088, 0.884353, 0.221088, -0.442177]],
    ['wudi', [-0.503004, -0.252996, 0.496996, -0.502984, 0.247008, 1.003, 0.247086, -0.497008]],
  ])('of %s', async (method, taskVector) => {
    const tensor = { ...smallTensor(base, [a, b]), shape: [2, 4], role: 'matrix' as const };
    const merged = await mergeOne(oracle, tensor, { method });
    merged.forEach((value, i) => {
      expect(value - (base[i] ?? NaN)).toBeCloseTo(taskVector[i] ?? NaN, 5);
    });
  });
});
