import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { symmetricEigen } from '../../../src/linalg/symmetric-eigen';

function randomSymmetric(size: number, seed: number, scale = 1): Float64Array {
  const random = new Random(seed);
  const values = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      values[i * size + j] = values[j * size + i] = scale * (random.next01() - 0.5);
    }
  }
  return values;
}

/** Largest |A·xᵢ − λᵢ·xᵢ| and |xᵢᵀxⱼ − δᵢⱼ|. */
function defects(
  size: number,
  a: Float64Array,
  { values, vectors }: { values: Float64Array; vectors: Float64Array },
): { residual: number; overlap: number } {
  const x = Matrix.from1DArray(size, size, vectors);
  const scaled = Matrix.from1DArray(size, size, a).mmul(x.transpose());
  const wanted = x.transpose().mmul(Matrix.diag([...values]));
  const gram = x.mmul(x.transpose()).sub(Matrix.eye(size));
  return {
    residual: size === 0 ? 0 : scaled.sub(wanted).abs().max(),
    overlap: size === 0 ? 0 : gram.abs().max(),
  };
}

describe('symmetric eigenvalues', () => {
  it.each([1, 2, 3, 4, 17, 64, 131])('of %i rows are those of ml-matrix', async (size) => {
    const a = randomSymmetric(size, size);
    const found = await symmetricEigen(size, a);
    const { realEigenvalues } = new EigenvalueDecomposition(Matrix.from1DArray(size, size, a), {
      assumeSymmetric: true,
    });
    const wanted = [...realEigenvalues].sort((x, y) => y - x);
    // Backward stable: a few roundings for every row.
    const tolerance = 8 * size * 2 ** -53 * Math.max(...wanted.map(Math.abs));
    wanted.forEach((value, i) => {
      expect(Math.abs((found.values[i] ?? NaN) - value)).toBeLessThanOrEqual(tolerance);
    });
    const { residual, overlap } = defects(size, a, found);
    expect(residual).toBeLessThanOrEqual(tolerance);
    expect(overlap).toBeLessThanOrEqual(8 * size * 2 ** -53);
  });

  it.each([1e-60, 1e60])('keep their precision at scale %d', async (scale) => {
    const found = await symmetricEigen(20, randomSymmetric(20, 5, scale));
    const plain = await symmetricEigen(20, randomSymmetric(20, 5));
    found.values.forEach((value, i) => {
      expect(value / scale / (plain.values[i] ?? NaN)).toBeCloseTo(1, 9);
    });
  });

  it('may be equal, zero or none', async () => {
    const identity = Float64Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 3 : 0));
    expect([...(await symmetricEigen(5, identity)).values]).toEqual([3, 3, 3, 3, 3]);
    expect([...(await symmetricEigen(4, new Float64Array(16))).values]).toEqual([0, 0, 0, 0]);
    expect([...(await symmetricEigen(0, new Float64Array(0))).values]).toEqual([]);
    const ones = new Float64Array(49).fill(1);
    const found = await symmetricEigen(7, ones);
    expect(found.values[0]).toBeCloseTo(7, 12);
    expect(Math.max(...found.values.subarray(1).map(Math.abs))).toBeLessThan(1e-14);
    expect(defects(7, ones, found).overlap).toBeLessThan(1e-14);
  });

  it('stop when cancelled', async () => {
    const signal = AbortSignal.abort(new DOMException('Cancelled', 'AbortError'));
    await expect(symmetricEigen(9, randomSymmetric(9, 1), signal)).rejects.toThrow('Cancelled');
  });
});
