import { describe, expect, it } from 'vitest';
import { invariant } from '../../../src/core/errors';
import { chooseAlgebra } from '../../../src/linalg/choose-algebra';
import { Float64Algebra } from '../../../src/linalg/float64-algebra';
import { gramPolarFactor } from '../../../src/linalg/gram-triples';
import { JaxAlgebra } from '../../../src/linalg/jax-algebra';
import { JaxDevice } from '../../../src/linalg/jax-device';
import { newtonSchulzPolar } from '../../../src/linalg/newton-schulz';
import { describeAlgebra } from './algebra-suite';
import { maxDifference, randomMatrix } from './random-matrices';

const opened = await JaxDevice.open('wasm');
invariant(opened, 'Node has WebAssembly');
const device = opened;
const wasm = new JaxAlgebra(device);

describe('float64', () => {
  describeAlgebra(() => new Float64Algebra(), 2 ** -53);
});

describe('jax-js on WebAssembly', () => {
  describeAlgebra(() => wasm, 2 ** -24);

  it('iterates to the polar factor, or says that rank is missing', async () => {
    for (const [rows, columns] of [
      [100, 130],
      [90, 90],
      [130, 100],
    ] as const) {
      const a = randomMatrix(rows, columns, 1);
      const found = await newtonSchulzPolar(device, a);
      invariant(found, 'the matrix has full rank');
      // Conditions are below 500.
      expect(maxDifference(found, await gramPolarFactor(a))).toBeLessThan(1000 * 2 ** -24);
    }
    const low = await wasm.multiply(randomMatrix(100, 90, 2), randomMatrix(90, 130, 3));
    expect(await newtonSchulzPolar(device, low)).toBeUndefined();
  });
});

describe('the choice', () => {
  const large = { rowCount: 400, columnCount: 100 };

  it('goes where the merge runs, and is float64 for small matrices everywhere', async () => {
    expect((await chooseAlgebra('wasm', large)).id).toBe('wasm');
    expect((await chooseAlgebra('oracle', large)).id).toBe('float64');
    for (const preference of ['wasm', 'webgpu', 'oracle'] as const) {
      expect((await chooseAlgebra(preference, { rowCount: 400, columnCount: 8 })).id).toBe(
        'float64',
      );
    }
  });

  it('is WebAssembly where there is no WebGPU, as in Node', async () => {
    expect((await chooseAlgebra('webgpu', large)).id).toBe('wasm');
  });
});
