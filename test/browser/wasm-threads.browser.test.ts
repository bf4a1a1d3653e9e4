import { afterAll, describe, expect, it } from 'vitest';
import { chunkElements } from '../../src/expr/backend';
import { OracleBackend } from '../../src/expr/oracle-backend';
import { methods } from '../../src/methods/registry';
import { hasWasmThreads } from '../../src/wasm/support';
import { WasmBackend } from '../../src/wasm/wasm-backend';
import { differences, randomSlice } from '../unit/expr/slices';
import type { SmallMerge } from '../unit/methods/merge-small';
import { mergeAll } from '../unit/methods/merge-small';

const wasm = new WasmBackend({ threadCount: 3 });
const oracle = new OracleBackend();
afterAll(() => {
  wasm.dispose();
});

describe('WebAssembly threads in a page', () => {
  it('are there: the page is cross-origin isolated', () => {
    expect(hasWasmThreads()).toBe(true);
    expect(wasm.threadCount).toBe(3);
  });

  it.each(methods)('$id equals the oracle bit for bit', async ({ id, base, specialistCount }) => {
    const inputs = randomSlice({
      elementCount: 6 * chunkElements + 5,
      dtypes: ['BF16', 'BF16', 'F16', 'F32'],
      hasBase: base !== 'none',
    });
    const specialists = inputs.specialists.slice(0, specialistCount.max);
    const count = specialists.length;
    const merge: SmallMerge = {
      method: id,
      numbers: { perModel: { density: [0.2, 0.5, 0.8, 1].slice(0, count) } },
      outDtype: 'BF16',
      seed: 4,
    };
    const tensor = { ...inputs, specialists, name: 'layer.weight' };
    const [found = new Uint8Array()] = await mergeAll(wasm, [tensor], merge);
    const [wanted = new Uint8Array()] = await mergeAll(oracle, [tensor], merge);
    expect(differences(found, wanted, 'BF16')).toEqual([]);
  });

  it('keep overlapping merges of different seeds apart', async () => {
    const inputs = randomSlice({ elementCount: 12 * chunkElements, dtypes: ['BF16', 'BF16'] });
    const tensor = { ...inputs, name: 'layer.weight' };
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, seed) =>
        mergeAll(wasm, [tensor], {
          method: 'dare_linear',
          numbers: { perModel: { density: [0.5] } },
          seed,
        }),
      ),
    );
    expect(new Set(results.map(([bytes]) => bytes?.join())).size).toBe(10);
  });
});
