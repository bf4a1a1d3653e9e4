import type * as Jax from '@jax-js/jax';
import { EventBreaks } from '../core/event-breaks';
import type { DenseMatrix } from './dense-matrix';
import { norm, transposed } from './dense-matrix';
import type { JaxDevice } from './jax-device';

/** Singular values down to this share of the largest are brought to 1 at full speed. */
const startShare = 1e-4;
/** Steps after those: enough for a share of 1e-5, too few for rounding to grow into directions. */
const extraSteps = 8;
/** ‖X·Xᵀ − I‖ from which two more steps reach float32 precision: 1e-2 → 8e-5 → 5e-9. */
const nearlyDone = 1e-2;

/**
 * The polar factor by Newton-Schulz iteration on the device, in float32: X ← 1.5·αX − 0.5·α³XXᵀX,
 * with the scaling α of Chen and Chow 2014 (A stable scaling of Newton-Schulz) that grows small
 * singular values 2.6 times a step. Errors in the direction of a singular value s are about 2⁻²⁴
 * times the largest over s, as for any method that sees the matrix in float32.
 * @returns undefined when the rows (columns, for a tall matrix) do not become orthonormal: rank is
 * missing, or singular values reach below 1e-5 of the largest
 */
export async function newtonSchulzPolar(
  device: JaxDevice,
  a: DenseMatrix,
  signal?: AbortSignal,
): Promise<DenseMatrix | undefined> {
  if (a.rowCount > a.columnCount) {
    const flipped = await newtonSchulzPolar(device, transposed(a), signal);
    return flipped && transposed(flipped);
  }
  const { rowCount, columnCount } = a;
  const size = norm(a);
  if (!(size > 0)) return undefined;
  const values = Float32Array.from(a.values, (value) => value / size);
  const { numpy: np } = device.jax;
  const breaks = new EventBreaks();

  let x = device.upload({ rowCount, columnCount, values });
  const bound = await largestSingularBound(device, x.ref);
  x = x.mul(1 / bound);
  const scales = scalings(startShare);
  const lastStep = scales.length + extraSteps;
  for (let step = 0; step < lastStep; step++) {
    const square = np.matmul(x.ref, np.transpose(x.ref));
    if (step >= scales.length - 1) {
      const [defect = NaN] = await device.read(defectOf(device, square.ref, rowCount));
      if (Math.sqrt(defect) <= nearlyDone) {
        x = newtonStep(np, newtonStep(np, x, square, 1), undefined, 1);
        return { rowCount, columnCount, values: await device.read(x) };
      }
    }
    x = newtonStep(np, x, square, scales[step] ?? 1);
    await device.settle(x);
    await breaks.pause(undefined);
    if (signal?.aborted === true) break;
  }
  x.dispose();
  signal?.throwIfAborted();
  return undefined;
}

function newtonStep(
  np: typeof Jax.numpy,
  x: Jax.Array,
  square: Jax.Array | undefined,
  scale: number,
): Jax.Array {
  const product = np.matmul(square ?? np.matmul(x.ref, np.transpose(x.ref)), x.ref);
  return x.mul(1.5 * scale).sub(product.mul(0.5 * scale ** 3));
}

/** ‖X·Xᵀ − I‖², Frobenius. */
function defectOf(
  { jax: { numpy: np }, id }: JaxDevice,
  square: Jax.Array,
  size: number,
): Jax.Array {
  return np.sum(np.square(square.sub(np.eye(size, size, { device: id })))).reshape([1]);
}

/** ‖(X·Xᵀ)²‖^¼: at least the largest singular value, and for n equal ones only n^⅛ times it. */
async function largestSingularBound(device: JaxDevice, x: Jax.Array): Promise<number> {
  const { numpy: np } = device.jax;
  const square = np.matmul(x.ref, np.transpose(x));
  const fourth = np.matmul(square.ref, square);
  const [sum = NaN] = await device.read(np.sum(np.square(fourth)).reshape([1]));
  // One part in a thousand more than float32 may have lost.
  return 1.001 * sum ** (1 / 8);
}

/** The scaling of every step until singular values in [`share`, 1] lie in [0.99, 1]. */
function scalings(share: number): number[] {
  const found: number[] = [];
  for (let low = share; low < 0.99;) {
    const scale = Math.sqrt(3 / (1 + low + low * low));
    found.push(scale);
    low = 1.5 * scale * low - 0.5 * scale ** 3 * low ** 3;
  }
  return found;
}
