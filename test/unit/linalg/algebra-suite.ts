import { describe, expect, it } from 'vitest';
import type { DenseMatrix } from '../../../src/linalg/dense-matrix';
import {
  scaleRows,
  stackRows,
  transposed,
  weightedSum,
  zeros,
} from '../../../src/linalg/dense-matrix';
import { Float64Algebra } from '../../../src/linalg/float64-algebra';
import type { LinearAlgebra } from '../../../src/linalg/linear-algebra';
import { maxDifference, maxMagnitude, randomMatrix } from './random-matrices';

const oracle = new Float64Algebra();
/** Sides that are odd, prime, one, and no multiple of any tile. */
const shapes = [
  [1, 1],
  [1, 7],
  [5, 3],
  [31, 40],
  [67, 29],
  [64, 200],
] as const;

/**
 * What every implementation owes, measured against float64. `epsilon` is the unit roundoff of its
 * products: 2⁻²⁴ for float32.
 */
export function describeAlgebra(open: () => LinearAlgebra, epsilon: number): void {
  describe('products', () => {
    it.each(shapes)('of %i × %i', async (rows, columns) => {
      const a = randomMatrix(rows, columns, 1);
      const [b, c] = [randomMatrix(columns, 13, 2), randomMatrix(rows, 11, 3)];
      // A sum of n products of numbers below 1/2 errs by at most n·n/4 roundings of 2⁻²⁴ and, summed
      // in any order, typically far less.
      const bound = (length: number): number => ((length * (length + 2)) / 4) * epsilon;
      const algebra = open();
      const near = async (found: Promise<DenseMatrix>, wanted: Promise<DenseMatrix>, n: number) => {
        expect(maxDifference(await found, await wanted)).toBeLessThanOrEqual(bound(n));
      };
      await near(algebra.multiply(a, b), oracle.multiply(a, b), columns);
      await near(algebra.multiply(a, c, 'left'), oracle.multiply(a, c, 'left'), rows);
      await near(algebra.multiply(a, transposed(b), 'right'), oracle.multiply(a, b), columns);
    });

    it('of nothing are zeros', async () => {
      const product = await open().multiply(zeros(0, 3), zeros(0, 5), 'left');
      expect(product).toEqual(zeros(3, 5));
    });
  });

  describe('leading singular triples', () => {
    it.each(shapes)('of %i × %i', async (rows, columns) => {
      const a = randomMatrix(rows, columns, 4);
      const count = Math.ceil(Math.min(rows, columns) / 2);
      const found = await open().leadingTriples(a, count);
      const wanted = await oracle.leadingTriples(a, count);
      // Both in float64; squaring the matrix leaves half of the digits, and products of pairs of
      // vectors do not depend on their signs.
      found.singularValues.forEach((value, i) => {
        expect(value / (wanted.singularValues[i] ?? NaN)).toBeCloseTo(1, 10);
      });
      const project = (triples: typeof found): Promise<DenseMatrix> =>
        oracle.multiply(triples.left, scaleRows(triples.right, triples.singularValues), 'left');
      expect(maxDifference(await project(found), await project(wanted))).toBeLessThan(1e-9);
    });

    it('leaves out what is negligible', async () => {
      const low = await oracle.multiply(randomMatrix(60, 2, 5), randomMatrix(2, 70, 6));
      const rounded = { ...low, values: Float32Array.from(low.values) };
      expect((await open().leadingTriples(rounded, 30)).singularValues).toHaveLength(2);
      expect((await open().leadingTriples(zeros(60, 70), 30)).singularValues).toHaveLength(0);
    });
  });

  describe('polar factor', () => {
    it.each(shapes)('of %i × %i is orthonormal and nearest', async (rows, columns) => {
      const a = randomMatrix(rows, columns, 7);
      const found = await open().polarFactor(a);
      const side = rows <= columns ? 'right' : 'left';
      const gram = await oracle.multiply(found, found, side);
      const identity = zeros(gram.rowCount, gram.rowCount);
      for (let i = 0; i < gram.rowCount; i++) identity.values[i * gram.rowCount + i] = 1;
      // A few roundings for every row.
      expect(maxDifference(gram, identity)).toBeLessThan(64 * epsilon);
      // The condition of these matrices is below 200: that many roundings in the weakest direction.
      const wanted = await oracle.polarFactor(a);
      expect(maxDifference(found, wanted)).toBeLessThan(1000 * epsilon);
    });

    it('of missing rank leaves the missing directions out', async () => {
      const half = randomMatrix(33, 90, 8);
      const twice = stackRows([half, half], 90);
      const found = await open().polarFactor(twice);
      const one = await oracle.polarFactor(half);
      const wanted = weightedSum([stackRows([one, one], 90)], [Math.SQRT1_2]);
      expect(maxDifference(found, wanted)).toBeLessThan(1000 * epsilon);
      expect(maxMagnitude(await open().polarFactor(zeros(50, 60)))).toBe(0);
    });

    it('does not depend on the scale', async () => {
      const a = randomMatrix(52, 64, 9);
      const wanted = await open().polarFactor(a);
      for (const scale of [2 ** -100, 2 ** 100]) {
        const scaled = weightedSum([a], [scale]);
        expect(maxDifference(await open().polarFactor(scaled), wanted)).toBeLessThan(16 * epsilon);
      }
    });
  });

  describe('descent', () => {
    const descent = (rows: number, columns: number, seed: number) => {
      const unit = weightedSum([randomMatrix(columns, columns, seed)], [0.3]);
      return oracle.multiply(unit, unit, 'right').then((curvature) => ({
        gradient: weightedSum([randomMatrix(rows, columns, seed + 1)], [0.01]),
        curvature,
        stepCount: 40,
        learningRate: 1e-4,
      }));
    };

    it.each([
      [1, 1],
      [9, 14],
      [40, 23],
    ])('of %i × %i follows Adam', async (rows, columns) => {
      const task = await descent(rows, columns, 20);
      const found = await open().descend(task);
      const wanted = await oracle.descend(task);
      // An entry moves at most 40·1e-4. A gradient of nearly zero may take another turn; none here
      // is closer to it than 1e-3 of the typical one.
      expect(maxMagnitude(wanted)).toBeGreaterThan(1e-3);
      expect(maxDifference(found, wanted)).toBeLessThan(4e-3 * Math.max(1e-3, 1000 * epsilon));
    });

    it('stays where the gradient is zero', async () => {
      const task = { ...(await descent(6, 5, 30)), gradient: zeros(6, 5) };
      expect(maxMagnitude(await open().descend(task))).toBe(0);
    });

    it('of no steps is zero', async () => {
      const task = { ...(await descent(6, 5, 30)), stepCount: 0 };
      expect(maxMagnitude(await open().descend(task))).toBe(0);
    });
  });

  it('hears an abort', async () => {
    const signal = AbortSignal.abort(new DOMException('Cancelled', 'AbortError'));
    const a = randomMatrix(60, 70, 40);
    await expect(open().polarFactor(a, signal)).rejects.toThrow('Cancelled');
    await expect(open().leadingTriples(a, 5, signal)).rejects.toThrow('Cancelled');
    const curvature = await oracle.multiply(a, a, 'left');
    const task = { gradient: a, curvature, stepCount: 100, learningRate: 1e-5 };
    await expect(open().descend(task, signal)).rejects.toThrow('Cancelled');
  });
}
