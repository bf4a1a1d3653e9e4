import type * as Jax from '@jax-js/jax';
import { EventBreaks } from '../core/event-breaks';
import type { DenseMatrix } from './dense-matrix';
import { adam } from './descend64';
import type { JaxDevice } from './jax-device';
import type { Descent } from './linear-algebra';

/** Steps that may wait on a GPU's queue before the next ones are sent. */
const queuedSteps = 8;

/** `LinearAlgebra.descend` on the device, in float32. */
export async function descendOnDevice(
  device: JaxDevice,
  descent: Descent,
  signal?: AbortSignal,
): Promise<DenseMatrix> {
  const { numpy: np, jit } = device.jax;
  const breaks = new EventBreaks();
  const { rowCount, columnCount } = descent.gradient;
  const start = device.upload(descent.gradient);
  const curvature = device.upload(descent.curvature);
  const zeros = (): Jax.Array => np.zeros([rowCount, columnCount], { device: device.id });
  const adamStep = jit(
    (
      gradient0: Jax.Array,
      bend: Jax.Array,
      position: Jax.Array,
      first: Jax.Array,
      second: Jax.Array,
      rate: Jax.Array,
      root: Jax.Array,
    ): Jax.Array[] => {
      const gradient = gradient0.add(np.matmul(position.ref, bend));
      const m = first.mul(adam.beta1).add(gradient.ref.mul(1 - adam.beta1));
      const v = second.mul(adam.beta2).add(np.square(gradient).mul(1 - adam.beta2));
      const divisor = np.sqrt(v.ref).div(root).add(adam.epsilon);
      return [position.sub(m.ref.mul(rate).div(divisor)), m, v];
    },
  );

  let [position, first, second] = [zeros(), zeros(), zeros()];
  const scalar = (value: number): Jax.Array =>
    np.array(Float32Array.of(value), { device: device.id });
  try {
    for (let step = 1; step <= descent.stepCount; step++) {
      const rate = scalar(descent.learningRate / (1 - adam.beta1 ** step));
      const root = scalar(Math.sqrt(1 - adam.beta2 ** step));
      const next = adamStep(start.ref, curvature.ref, position, first, second, rate, root);
      [position, first, second] = next as [Jax.Array, Jax.Array, Jax.Array];
      if (device.id === 'wasm' || step % queuedSteps === 0) await device.settle(position);
      await breaks.pause(signal);
    }
    return { rowCount, columnCount, values: await device.read(position.ref) };
  } finally {
    for (const array of [start, curvature, position, first, second]) array.dispose();
    adamStep.dispose();
  }
}
