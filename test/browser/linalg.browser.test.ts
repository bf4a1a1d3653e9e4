import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { invariant } from '../../src/core/errors';
import { chooseAlgebra } from '../../src/linalg/choose-algebra';
import { Float64Algebra } from '../../src/linalg/float64-algebra';
import { gramPolarFactor } from '../../src/linalg/gram-triples';
import { JaxAlgebra } from '../../src/linalg/jax-algebra';
import { JaxDevice } from '../../src/linalg/jax-device';
import { newtonSchulzPolar } from '../../src/linalg/newton-schulz';
import { describeAlgebra } from '../unit/linalg/algebra-suite';
import { maxDifference, maxMagnitude, randomMatrix } from '../unit/linalg/random-matrices';
import {
  spectralCases,
  spectralIds,
  spectralMerges,
  taskMatrices,
} from '../unit/methods/spectral-goldens';

const startWorker = vi.spyOn(globalThis, 'Worker');
afterAll(() => {
  startWorker.mockRestore();
});

async function openDevice(id: 'wasm' | 'webgpu'): Promise<JaxDevice> {
  const device = await JaxDevice.open(id);
  invariant(device, `the test browser has ${id}`);
  return device;
}

describe.each(['wasm', 'webgpu'] as const)('jax-js on %s in a page', (id) => {
  let device: JaxDevice;
  let algebra: JaxAlgebra;
  beforeAll(async () => {
    device = await openDevice(id);
    algebra = new JaxAlgebra(device);
  });

  describeAlgebra(() => algebra, 2 ** -24);

  it.each(spectralIds.flatMap((method) => spectralCases.map((example) => ({ method, example }))))(
    '$method is NumPy’s on matrices: $example.name',
    async ({ method, example: { tasks, merged } }) => {
      const found = await spectralMerges[method](taskMatrices(method, tasks, algebra));
      const scale = maxMagnitude(merged[method]);
      // Some roundings of float32 products.
      expect(maxDifference(found, merged[method])).toBeLessThanOrEqual(4e-6 * scale);
    },
  );

  it('iterates to polar factors that are orthonormal and those of float64', async () => {
    for (const [rows, columns] of [
      [200, 260],
      [210, 195],
    ] as const) {
      const a = randomMatrix(rows, columns, 3);
      const found = await newtonSchulzPolar(device, a);
      invariant(found, 'the matrix has full rank');
      // The condition of these two is below 1000.
      expect(maxDifference(found, await gramPolarFactor(a))).toBeLessThan(2000 * 2 ** -24);
      const chosen = await algebra.polarFactor(a);
      expect(maxDifference(chosen, found)).toBeLessThan(2000 * 2 ** -24);
    }
  });

  it('falls back to float64 where rank is missing', async () => {
    const oracle = new Float64Algebra();
    const low = await oracle.multiply(randomMatrix(200, 150, 5), randomMatrix(150, 200, 6));
    expect(await newtonSchulzPolar(device, low)).toBeUndefined();
    const wanted = await gramPolarFactor(low);
    // Float64 but for the last product, of vectors of length 1.
    expect(maxDifference(await algebra.polarFactor(low), wanted)).toBeLessThan(2 ** -21);
  });

  it('hears an abort between steps', async () => {
    const controller = new AbortController();
    const a = randomMatrix(300, 300, 7);
    const curvature = await algebra.multiply(a, a, 'left');
    const descent = { gradient: a, curvature, stepCount: 100_000, learningRate: 1e-5 };
    const running = algebra.descend(descent, controller.signal);
    setTimeout(() => {
      controller.abort(new DOMException('Cancelled', 'AbortError'));
    }, 50);
    await expect(running).rejects.toThrow('Cancelled');
  });
});

describe('the page', () => {
  it('runs matrix methods on the graphics device when the merge runs there', async () => {
    const shape = { rowCount: 100, columnCount: 100 };
    expect((await chooseAlgebra('webgpu', shape)).id).toBe('webgpu');
    expect((await chooseAlgebra('wasm', shape)).id).toBe('wasm');
  });

  it('starts no threads from blob: addresses, which its security policy forbids', () => {
    expect(startWorker).not.toHaveBeenCalled();
  });
});
