import { EventBreaks } from '../core/event-breaks';
import type { DenseMatrix } from './dense-matrix';
import { transposed, zeros } from './dense-matrix';
import type { Descent } from './linear-algebra';
import { multiplyByTransposed64 } from './products64';

/** Adam's decay rates and the number that keeps its division finite (Kingma and Ba 2015). */
export const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** `LinearAlgebra.descend` in float64; Adam as PyTorch 2 orders its operations. */
export async function descend64(descent: Descent, signal?: AbortSignal): Promise<DenseMatrix> {
  const { rowCount, columnCount } = descent.gradient;
  const breaks = new EventBreaks();
  const position = zeros(rowCount, columnCount);
  const first = new Float64Array(position.values.length);
  const second = new Float64Array(position.values.length);
  const curvature = transposed(descent.curvature);
  for (let step = 1; step <= descent.stepCount; step++) {
    const bent = await multiplyByTransposed64(position, curvature, signal);
    const rate = descent.learningRate / (1 - adam.beta1 ** step);
    const root = Math.sqrt(1 - adam.beta2 ** step);
    for (let i = 0; i < first.length; i++) {
      const gradient = (descent.gradient.values[i] ?? NaN) + (bent.values[i] ?? NaN);
      const m = adam.beta1 * (first[i] ?? NaN) + (1 - adam.beta1) * gradient;
      const v = adam.beta2 * (second[i] ?? NaN) + (1 - adam.beta2) * gradient * gradient;
      first[i] = m;
      second[i] = v;
      position.values[i] =
        (position.values[i] ?? NaN) - (rate * m) / (Math.sqrt(v) / root + adam.epsilon);
    }
    await breaks.pause(signal);
  }
  return position;
}
