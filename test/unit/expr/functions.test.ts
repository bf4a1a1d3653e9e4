import { afterAll, describe, expect, it } from 'vitest';
import { f32FromBits } from '../../../src/core/float-bits';
import { specialistAt } from '../../../src/expr/build';
import type { Expr } from '../../../src/expr/expr';
import { exp, log, tanh } from '../../../src/expr/functions';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { awkwardNumbers, bytesOf, differences, floatsOf, noValues, randomSlice } from './slices';

const wasm = new WasmBackend({ threadCount: 1 });
const oracle = new OracleBackend();
afterAll(() => {
  wasm.dispose();
});

/** Every 16411th float32 pattern: each exponent of either sign about 500 times. */
const sweep = Array.from({ length: Math.floor(2 ** 32 / 16411) }, (_, i) => f32FromBits(i * 16411));

const functions: readonly {
  name: string;
  ours: (x: Expr<'f32'>) => Expr<'f32'>;
  exact: (x: number) => number;
  ulps: number;
}[] = [
  { name: 'exp', ours: exp, exact: Math.exp, ulps: 1 },
  { name: 'log', ours: log, exact: Math.log, ulps: 1 },
  { name: 'tanh', ours: tanh, exact: Math.tanh, ulps: 2 },
];

async function evaluate(expression: Expr<'f32'>, values: readonly number[]): Promise<number[]> {
  const inputs = {
    ...randomSlice({ elementCount: 0, dtypes: [] }),
    elementCount: values.length,
    base: undefined,
    specialists: [bytesOf(values, 'F32')],
  };
  const [fast, plain] = [await wasm.load(inputs), await oracle.load(inputs)];
  const found = await wasm.map(fast, expression, noValues, 'F32');
  const wanted = await oracle.map(plain, expression, noValues, 'F32');
  expect(differences(found, wanted, 'F32')).toEqual([]);
  wasm.release(fast);
  oracle.release(plain);
  return floatsOf(found);
}

/** Distance in units of the last place of the float32 nearest to `exact`. */
function ulpsApart(found: number, exact: number): number {
  if (Object.is(found, exact) || Number.isNaN(found) || Number.isNaN(exact)) {
    return Number.isNaN(found) === Number.isNaN(exact) ? 0 : Infinity;
  }
  const nearest = Math.fround(exact);
  if (found === nearest) return 0;
  if (!Number.isFinite(found) || !Number.isFinite(nearest)) return Infinity;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(nearest))));
  return Math.abs(found - exact) / 2 ** (exponent - 23);
}

describe.each(functions)('$name', ({ ours, exact, ulps }) => {
  it(`is within ${String(ulps)} ulp of float64, and the same number on both back ends`, async () => {
    const values = [...awkwardNumbers, ...sweep];
    const found = await evaluate(ours(specialistAt(0)), values);
    let worst = { x: 0, distance: 0 };
    values.forEach((value, i) => {
      const x = Math.fround(value);
      const distance = ulpsApart(found[i] ?? NaN, exact(x));
      if (distance > worst.distance) worst = { x, distance };
    });
    expect(worst.distance, `at ${String(worst.x)}`).toBeLessThanOrEqual(ulps);
  });
});

describe('the ends of the range', () => {
  it.each([
    [
      'exp',
      exp,
      [-Infinity, -200, -104, 0, 88.8, 1e30, Infinity, NaN],
      [0, 0, 0, 1, Infinity, Infinity, Infinity, NaN],
    ],
    [
      'log',
      log,
      [-Infinity, -1, -1e-45, -0, 0, 1, Infinity, NaN],
      [NaN, NaN, NaN, -Infinity, -Infinity, 0, Infinity, NaN],
    ],
    [
      'tanh',
      tanh,
      [-Infinity, -20, -0, 0, 20, Infinity, NaN, 1e-45],
      [-1, -1, -0, 0, 1, 1, NaN, 1.401298464324817e-45],
    ],
  ] as const)('of %s', async (_, ours, values, wanted) => {
    const found = await evaluate(ours(specialistAt(0)), values);
    expect(found).toEqual(wanted);
  });
});
