import { describe, expect, it } from 'vitest';
import { chunkElements } from '../../../src/expr/backend';
import { add, base, f32, mul, scalar, specialistAt } from '../../../src/expr/build';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { chooseBackend } from '../../../src/methods/choose-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { floatsOf, noValues, randomSlice } from '../expr/slices';

describe('the thread pool', () => {
  it('says how many threads it has', () => {
    const backend = new WasmBackend({ threadCount: 3 });
    expect(backend.threadCount).toBe(3);
    expect(backend.device).toBe('WebAssembly SIMD, 3 threads');
    backend.dispose();
  });

  it('carries out overlapping calls in order, without mixing them up', async () => {
    const backend = new WasmBackend({ threadCount: 3 });
    const oracle = new OracleBackend();
    const inputs = randomSlice({ elementCount: 9 * chunkElements + 1, dtypes: ['F32', 'BF16'] });
    const slice = await backend.load(inputs);
    const exact = await oracle.load(inputs);
    const output = add(mul(base, scalar('x')), specialistAt(0));
    const valuesOf = (x: number): typeof noValues => ({ ...noValues, scalars: { x } });
    const calls = Array.from({ length: 20 }, (_, x) =>
      backend.map(slice, output, valuesOf(x), 'F32'),
    );
    backend.release(slice);
    const found = await Promise.all(calls);
    for (const x of [0, 7, 19]) {
      expect(floatsOf(found[x] ?? new Uint8Array())).toEqual(
        floatsOf(await oracle.map(exact, output, valuesOf(x), 'F32')),
      );
    }
    expect(backend.usedBytes).toBe(0);
    backend.dispose();
  });

  it('keeps working after hundreds of different kernels', async () => {
    const backend = new WasmBackend({ threadCount: 2 });
    const inputs = randomSlice({ elementCount: 3 * chunkElements, dtypes: ['F32', 'F32'] });
    const slice = await backend.load(inputs);
    const [origin = NaN] = floatsOf(inputs.base?.bytes.subarray(0, 4) ?? new Uint8Array());
    for (let number = 0; number < 600; number++) {
      const bytes = await backend.map(slice, add(base, f32(number)), noValues, 'F32');
      expect(floatsOf(bytes.subarray(0, 4))).toEqual([Math.fround(origin + number)]);
    }
    backend.dispose();
  });

  it('refuses models of another size with a sentence that names the tensor', async () => {
    const backend = new WasmBackend({ threadCount: 1 });
    const inputs = randomSlice({ elementCount: 10, dtypes: ['F32', 'F32'] });
    const failure = backend.load({ ...inputs, elementCount: 9 });
    await expect(failure).rejects.toMatchObject({ code: 'recipe/shape-mismatch' });
    await expect(failure).rejects.toThrow(
      /test\.weight has 40 bytes where 9 values of F32 need 36/,
    );
    expect(backend.usedBytes).toBe(0);
    backend.dispose();
  });
});

describe('the chooser', () => {
  it('takes what was asked for', async () => {
    const oracle = await chooseBackend('oracle');
    expect(oracle.backend.id).toBe('oracle');
    const wasm = await chooseBackend('wasm', { threadCount: 1 });
    expect(wasm.backend.device).toBe('WebAssembly SIMD, 1 thread');
    wasm.backend.dispose();
  });
});
