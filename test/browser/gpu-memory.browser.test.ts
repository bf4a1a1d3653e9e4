import { describe, expect, it } from 'vitest';
import { invariant } from '../../src/core/errors';
import { add, base, mul, perModel, specialist, sumOverModels } from '../../src/expr/build';
import { findAdapter } from '../../src/gpu/adapter';
import { GpuBackend } from '../../src/gpu/gpu-backend';
import { differences, noValues, randomSlice } from '../unit/expr/slices';

const mib = 2 ** 20;

async function openGpu(memoryBytes: number): Promise<GpuBackend> {
  const found = await findAdapter();
  invariant(found, 'the test browser has a WebGPU adapter');
  return GpuBackend.create(found, { memoryBytes });
}

const output = add(base, sumOverModels(mul(perModel('weight'), specialist)));
const values = { ...noValues, perModel: { weight: [0.5, 0.25] } };

describe('the memory of a WebGPU device', () => {
  it('never passes its cap, idle buffers included, and changes no bit', async () => {
    const [small, free] = [await openGpu(6 * mib), await openGpu(Infinity)];
    // Sizes that share no buffers: all idle ones together would be 13 MiB.
    for (const elementCount of [100_000, 140_000, 180_000, 240_000, 110_000]) {
      const inputs = randomSlice({ elementCount, dtypes: ['BF16', 'F16', 'BF16'] });
      const found: Uint8Array[] = [];
      for (const gpu of [small, free]) {
        const slice = await gpu.load(inputs);
        found.push(await gpu.map(slice, output, values, 'F32'));
        gpu.release(slice);
      }
      const [capped = new Uint8Array(), wanted = new Uint8Array()] = found;
      expect(differences(capped, wanted, 'F32')).toEqual([]);
    }
    expect(small.peakBytes).toBeLessThanOrEqual(6 * mib);
    expect(free.peakBytes).toBeGreaterThan(6 * mib);
    small.dispose();
    free.dispose();
  });

  it('says so where a slice does not fit, and goes on after a release', async () => {
    const gpu = await openGpu(4 * mib);
    const inputs = randomSlice({ elementCount: 170_000, dtypes: ['BF16', 'BF16', 'BF16'] });
    const held = [];
    for (let count = 0; count < 4; count++) held.push(await gpu.load(inputs));
    await expect(gpu.load(inputs)).rejects.toMatchObject({
      code: 'gpu/out-of-memory',
      details: { capBytes: 4 * mib },
    });
    for (const slice of held) gpu.release(slice);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const slice = await gpu.load(inputs);
    const merged = await gpu.map(slice, output, values, 'F32');
    expect(merged.byteLength).toBe(4 * 170_000);
    expect(gpu.peakBytes).toBeLessThanOrEqual(4 * mib);
    gpu.dispose();
  });
});
