import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelBytes } from '../../../src/expr/backend';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { mergeAll } from './merge-small';

type Tensors = Readonly<Record<string, string>>;

interface Golden {
  readonly maskSeed: number;
  readonly specialists: readonly string[];
  readonly models: Readonly<Record<string, Tensors>>;
  readonly cases: readonly {
    readonly method: string;
    readonly weights: readonly number[];
    readonly densities: readonly number[] | null;
    readonly parameters: Readonly<Record<string, number | boolean>>;
    readonly merged: Tensors;
  }[];
}

const path = new URL('../../fixtures/methods/mergekit.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;
const wasm = new WasmBackend({ threadCount: 2 });
const backends = [new OracleBackend(), wasm];
afterAll(() => {
  wasm.dispose();
});

const decode = (text: string | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(text ?? '', 'base64'));

/** Neighbouring float32 numbers have neighbouring integers. */
function ordered(bits: number): number {
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

describe.each(backends)('merges by mergekit 0.1.4 and by $id', (backend) => {
  it.each(golden.cases)('$method $weights $densities $parameters', async (example) => {
    const names = Object.keys(golden.models['base'] ?? {});
    const model = (owner: string, tensor: string): ModelBytes => ({
      dtype: 'BF16',
      bytes: decode(golden.models[owner]?.[tensor]),
    });
    const tensors = names.map((name) => ({
      name,
      elementCount: model('base', name).bytes.length / 2,
      base: example.method === 'linear' ? undefined : model('base', name),
      specialists: golden.specialists.map((owner) => model(owner, name)),
    }));
    const flags = Object.entries(example.parameters);
    const merged = await mergeAll(backend, tensors, {
      method: example.method,
      options: Object.fromEntries(
        flags.filter(([, value]) => typeof value === 'boolean'),
      ) as Record<string, boolean>,
      numbers: {
        scalars: Object.fromEntries(
          flags.filter(([, value]) => typeof value === 'number'),
        ) as Record<string, number>,
        perModel: {
          weight: example.weights,
          ...(example.densities === null ? {} : { density: example.densities }),
        },
      },
      seed: golden.maskSeed,
    });

    let count = 0;
    let identical = 0;
    names.forEach((name, tensor) => {
      const found = new Int32Array(merged[tensor]?.buffer ?? new ArrayBuffer(0));
      const wanted = new Int32Array(decode(example.merged[name]).buffer);
      expect(found.length).toBe(wanted.length);
      // mergekit breaks ties at the threshold by an unstable sort, so a few elements of equal
      // magnitude may be swapped; nothing else may differ by more than the tolerance below.
      found.forEach((bits, index) => {
        count++;
        const distance = Math.abs(ordered(bits) - ordered(wanted[index] ?? 0));
        if (distance === 0) identical++;
        const [a, b] = [bits, wanted[index] ?? 0].map(
          (word) => new Float32Array(Int32Array.of(word).buffer)[0] ?? NaN,
        );
        // One ulp of the larger operand, the base of about 0.1: 2^-27.
        if (distance > 1) {
          expect(Math.abs((a ?? NaN) - (b ?? NaN))).toBeLessThan(toleranceOf(example));
        }
      });
    });
    expect(count).toBeGreaterThan(3000);
    expect(identical / count).toBeGreaterThan(identicalShare(example));
  });
});

function toleranceOf({ method }: Golden['cases'][number]): number {
  return method === 'ties' ? 0.1 : 2 ** -26;
}

/** mergekit takes the L1 norms of DARE in float32, so its factor may be off by some last places. */
function identicalShare({ method, parameters }: Golden['cases'][number]): number {
  if (method === 'ties') return 0.99;
  return method === 'dare_linear' && parameters['rescale'] !== false ? 0.95 : 0.999;
}
