import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { f16ToF32, f32FromBits } from '../../../src/core/float-bits';
import { chunkElements } from '../../../src/expr/backend';
import {
  abs,
  add,
  and,
  base,
  bits,
  column,
  columnOf,
  elementIndex,
  f32,
  fold,
  ge,
  gt,
  le,
  lt,
  min,
  mul,
  random01,
  randomBits,
  scalar,
  scalarU32,
  shiftRight,
  specialist,
  specialistAt,
  sub,
  toF32,
  u32,
} from '../../../src/expr/build';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import type { Reduction } from '../../../src/expr/reduction';
import { ReductionTotal } from '../../../src/expr/reduction';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import {
  randomExpression,
  randomExpressionColumns,
  randomExpressionValues,
} from './random-expressions';
import { awkwardNumbers, bytesOf, differences, floatsOf, noValues, randomSlice } from './slices';

const wasm = new WasmBackend({ threadCount: 1 });
const oracle = new OracleBackend();
afterAll(() => {
  wasm.dispose();
});

const dtypes = ['BF16', 'F16', 'F32'] as const;

describe('WebAssembly and the float32 oracle', () => {
  it('agree bit for bit on random expressions over awkward numbers', async () => {
    const inputs = randomSlice({
      elementCount: 203,
      dtypes: ['F32', 'BF16', 'F16', 'F32'],
      awkward01: 0.2,
    });
    const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
    for (const [name, columns] of Object.entries(randomExpressionColumns(203))) {
      await wasm.attach(fast, name, columns);
      await oracle.attach(exact, name, columns);
    }
    const values = randomExpressionValues;
    const model = fc.integer({ min: 0, max: 2 });
    await fc.assert(
      fc.asyncProperty(randomExpression, fc.constantFrom(...dtypes), model, async (...given) => {
        const [expression, dtype, at] = given;
        const found = await wasm.map(fast, expression, values, dtype, at);
        const wanted = await oracle.map(exact, expression, values, dtype, at);
        expect(differences(found, wanted, dtype)).toEqual([]);
      }),
      { numRuns: 300, seed: 20261122 },
    );
    wasm.release(fast);
    oracle.release(exact);
  });

  it.each([0, 1, 2, 3, 4, 5, 7, 1023, 1024, 1025, chunkElements, chunkElements + 1])(
    'agree on %i elements of any mixture of dtypes',
    async (elementCount) => {
      const output = sub(mul(specialistAt(1), base), specialistAt(0));
      for (const dtype of dtypes) {
        const inputs = randomSlice({ elementCount, dtypes: [dtype, 'F32', 'BF16'] });
        const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
        const found = await wasm.map(fast, output, noValues, dtype);
        const wanted = await oracle.map(exact, output, noValues, dtype);
        expect(found.length).toBe(wanted.length);
        expect(differences(found, wanted, dtype)).toEqual([]);
        wasm.release(fast);
      }
    },
  );

  it('widen every f16 and bf16 pattern exactly', async () => {
    const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
    for (const dtype of ['F16', 'BF16'] as const) {
      const model = { dtype, bytes: new Uint8Array(words.buffer) };
      const inputs = { ...randomSlice({ elementCount: 0, dtypes: [] }), elementCount: 65536 };
      const slice = await wasm.load({ ...inputs, base: undefined, specialists: [model] });
      const found = floatsOf(await wasm.map(slice, specialistAt(0), noValues, 'F32'));
      const wanted = [...words].map((word) =>
        dtype === 'F16' ? f16ToF32(word) : f32FromBits(word << 16),
      );
      expect(found.every((value, word) => Object.is(value, wanted[word]))).toBe(true);
      wasm.release(slice);
    }
  });

  it('round awkward and halfway numbers alike, to nearest even', async () => {
    const halfway = Array.from({ length: 4096 }, (_, i) => f32FromBits(0x3f7f0000 + i * 0x800));
    const values = [...awkwardNumbers, ...halfway, ...halfway.map((value) => value * 2 ** -26)];
    const inputs = {
      ...randomSlice({ elementCount: 0, dtypes: [] }),
      elementCount: values.length,
      base: undefined,
      specialists: [bytesOf(values, 'F32')],
    };
    const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
    for (const dtype of dtypes) {
      const found = await wasm.map(fast, specialistAt(0), noValues, dtype);
      const wanted = await oracle.map(exact, specialistAt(0), noValues, dtype);
      expect(differences(found, wanted, dtype)).toEqual([]);
    }
  });

  it('compare a random fraction with any bound, drawn numbers themselves included', async () => {
    const elementCount = 4096;
    const inputs = randomSlice({ elementCount, dtypes: ['F32', 'F32'] });
    const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
    const drawn = floatsOf(await oracle.map(exact, random01(), noValues, 'F32')).slice(0, 40);
    const isBelow = toF32(lt(random01(), scalar('bound')));
    for (const bound of [...awkwardNumbers, 2 ** -24, 1 - 2 ** -24, 0.2, ...drawn]) {
      const values = { ...noValues, scalars: { bound } };
      const found = floatsOf(await wasm.map(fast, isBelow, values, 'F32'));
      expect(found).toEqual(floatsOf(await oracle.map(exact, isBelow, values, 'F32')));
    }
  });
});

describe('columns', () => {
  const elementCount = 2 * chunkElements + 37;
  const inputs = randomSlice({ elementCount, dtypes: ['BF16', 'F16', 'F32'], awkward01: 0.3 });
  const columnOfOnes = new Float32Array(elementCount).fill(1);

  it('are replaced by what is attached later, and freed with the slice', async () => {
    const backend = new WasmBackend({ threadCount: 2 });
    const slice = await backend.load(inputs);
    const output = add(column('c'), columnOf('d'));
    await backend.attach(slice, 'd', [columnOfOnes, columnOfOnes.map(() => 8)]);
    await backend.attach(slice, 'c', [columnOfOnes]);
    const first = backend.map(slice, output, noValues, 'F32', 1);
    const replaced = backend.attach(slice, 'c', [columnOfOnes.map((_, i) => i)]);
    const second = backend.map(slice, output, noValues, 'F32', 0);
    await replaced;
    expect(floatsOf(await first).every((value) => value === 9)).toBe(true);
    expect(floatsOf(await second).every((value, i) => value === i + 1)).toBe(true);
    backend.release(slice);
    await expect.poll(() => backend.usedBytes).toBe(0);
    backend.dispose();
  });

  it('enter reductions, whatever model they belong to', async () => {
    const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
    const own = [columnOfOnes.map((_, i) => i % 7), columnOfOnes.map((_, i) => -i)];
    const list: Reduction[] = [
      { kind: 'sum', of: mul(columnOf('own'), f32(0.5)), perModel: true },
      { kind: 'max', of: columnOf('own'), perModel: true },
      { kind: 'count', of: gt(columnOf('own'), f32(3)), perModel: true },
    ];
    for (const [backend, slice] of [[wasm, fast] as const, [oracle, exact] as const]) {
      await backend.attach(slice, 'own', own);
    }
    const found = await wasm.reduce(fast, list, noValues);
    expect(found).toEqual(await oracle.reduce(exact, list, noValues));
    wasm.release(fast);
  });

  it.each([1, 5, 576, 2 * chunkElements + 37])('hold ranks in rows of %i', async (rowLength) => {
    const count = elementCount - (elementCount % rowLength);
    const whole = randomSlice({
      elementCount: count,
      dtypes: ['BF16', 'F16', 'F32'],
      awkward01: 0.3,
    });
    const [fast, exact] = [await wasm.load(whole), await oracle.load(whole)];
    const of = sub(specialist, base);
    for (const [backend, slice] of [[wasm, fast] as const, [oracle, exact] as const]) {
      await backend.rankRows(slice, 'rank', of, noValues, rowLength);
    }
    for (const model of [0, 1]) {
      const found = await wasm.map(fast, columnOf('rank'), noValues, 'F32', model);
      const wanted = await oracle.map(exact, columnOf('rank'), noValues, 'F32', model);
      expect(differences(found, wanted, 'F32')).toEqual([]);
    }
    wasm.release(fast);
  });

  it('are computed by expressions, and go when they are detached', async () => {
    const answers = await Promise.all(
      [wasm, oracle].map(async (backend) => {
        const slice = await backend.load(inputs);
        await backend.attach(slice, 'own', [columnOfOnes.map((_, i) => i % 5)]);
        const value = mul(column('own'), specialistAt(1));
        await backend.attachComputed(slice, 'made', value, noValues);
        await backend.detach(slice, 'own');
        const made = await backend.map(slice, add(column('made'), base), noValues, 'F32');
        await expect(async () =>
          backend.map(slice, column('own'), noValues, 'F32'),
        ).rejects.toThrow('own');
        backend.release(slice);
        return made;
      }),
    );
    const [found = new Uint8Array(), wanted = new Uint8Array()] = answers;
    expect(differences(found, wanted, 'F32')).toEqual([]);
  });
});

it('random numbers are the same for models that share a hash', async () => {
  const dtypes = Array.from({ length: 7 }, () => 'BF16' as const);
  const inputs = randomSlice({ elementCount: 100, dtypes });
  const slices = [await wasm.load(inputs), await oracle.load(inputs)] as const;
  // Not a plain sum: models that changed places would not show.
  const mixed = fold(f32(0), (soFar) => add(mul(soFar, f32(3)), random01()));
  const found = await wasm.map(slices[0], mixed, noValues, 'F32');
  expect(found).toEqual(await oracle.map(slices[1], mixed, noValues, 'F32'));
  wasm.release(slices[0]);
});

describe('words on either side of the sign bit', () => {
  const word = add(elementIndex, scalarU32('first'));
  const operands = {
    'any word': word,
    'a word with the sign bit off': and(word, u32(0x7fffffff)),
    'a small word': and(word, u32(0x7ffffffe)),
    'a number of the host': scalarU32('limit'),
  };
  const pairs = Object.entries(operands).flatMap(([left, a]) =>
    Object.entries(operands).map(([right, b]) => ({ left, right, a, b })),
  );

  it.each(pairs)('$left and $right compare as unsigned', async ({ a, b }) => {
    const inputs = randomSlice({ elementCount: 16, dtypes: ['F32', 'F32'] });
    const slices = [await wasm.load(inputs), await oracle.load(inputs)] as const;
    const places = [lt, le, gt, ge].map((compare, bit) => mul(toF32(compare(a, b)), f32(2 ** bit)));
    const answers = places.reduce((sum, place) => add(sum, place));
    for (const first of [0, 0x7ffffff8, 0xfffffff8]) {
      for (const limit of [0, 3, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff]) {
        const values = { seed: 0, scalars: { first, limit }, perModel: {} };
        const found = await wasm.map(slices[0], answers, values, 'F32');
        expect(found).toEqual(await oracle.map(slices[1], answers, values, 'F32'));
      }
    }
    wasm.release(slices[0]);
  });
});

it('words are the same where a limit is left out because they never reach it', async () => {
  const word = add(elementIndex, scalarU32('first'));
  const limit = u32(1000);
  const rest = sub(limit, min(word, limit));
  const mixed = [
    min(rest, limit),
    and(rest, u32(1023)),
    min(shiftRight(word, 22), u32(1023)),
    // None of these limits may be left out.
    min(sub(limit, word), limit),
    min(rest, u32(999)),
    and(rest, u32(1000)),
    and(shiftRight(word, 22), u32(1022)),
  ].reduce((sum, one) => add(mul(sum, u32(31)), one));
  const inputs = randomSlice({ elementCount: 2000, dtypes: ['F32', 'F32'] });
  const slices = [await wasm.load(inputs), await oracle.load(inputs)] as const;
  for (const first of [0, 0x7ffffc00, 0xfffffc00]) {
    const values = { seed: 0, scalars: { first }, perModel: {} };
    const found = await wasm.map(slices[0], toF32(mixed), values, 'F32');
    expect(found).toEqual(await oracle.map(slices[1], toF32(mixed), values, 'F32'));
  }
  wasm.release(slices[0]);
});

it('ranks of rows of a kind: equal, tiny, without an end, and spread over all magnitudes', async () => {
  const tiny = 2 ** -149;
  const rows = [
    [0, -0, 0, 0, 0, 0],
    [tiny, 0, 3 * tiny, -2 * tiny, 0, tiny],
    [Infinity, NaN, 1, -Infinity, NaN, 0],
    [3e38, tiny, 1, 1 + 2 ** -20, 1 + 2 ** -20, -1 - 2 ** -21],
    [5, 5, -5, 5, 5, 5],
  ];
  const inputs = {
    ...randomSlice({ elementCount: 0, dtypes: [] }),
    ...{ elementCount: 30, base: undefined },
    specialists: [bytesOf(rows.flat(), 'F32')],
  };
  const wanted = [
    [0, 1, 2, 3, 4, 5],
    [2, 0, 5, 4, 1, 3],
    [2, 4, 1, 3, 5, 0],
    [5, 0, 1, 3, 4, 2],
    [0, 1, 2, 3, 4, 5],
  ];
  for (const backend of [wasm, oracle]) {
    const slice = await backend.load(inputs);
    await backend.rankRows(slice, 'rank', specialist, noValues, 6);
    const found = await backend.map(slice, columnOf('rank'), noValues, 'F32');
    expect(floatsOf(found)).toEqual(wanted.flat());
    backend.release(slice);
  }
});

const magnitude = and(bits(abs(specialist)), u32(2047));
const reductions: readonly Reduction[] = [
  { kind: 'sum', of: mul(specialist, base), perModel: true },
  { kind: 'max', of: sub(specialist, base), perModel: true },
  { kind: 'count', of: gt(specialist, base), perModel: true },
  { kind: 'sum', of: random01(2), perModel: false },
  {
    kind: 'histogram',
    bin: magnitude,
    when: lt(specialist, f32(0.5)),
    binCount: 2048,
    perModel: true,
  },
  {
    kind: 'histogram',
    bin: and(randomBits(), u32(63)),
    when: gt(base, f32(0)),
    binCount: 64,
    perModel: false,
  },
  { kind: 'histogram', bin: elementIndex, when: gt(base, f32(0)), binCount: 16, perModel: false },
];

describe('reductions', () => {
  it.each([0, 1, 5, chunkElements - 1, 3 * chunkElements + 7])(
    'of %i elements are the same number on WebAssembly and the oracle',
    async (elementCount) => {
      const inputs = randomSlice({ elementCount, dtypes: ['BF16', 'BF16', 'F16', 'F32'] });
      const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
      const found = await wasm.reduce(fast, reductions, noValues);
      const wanted = await oracle.reduce(exact, reductions, noValues);
      expect(found).toEqual(wanted);
    },
  );

  it('look at the chunks that were asked for, and at no others', async () => {
    const inputs = randomSlice({ elementCount: 5 * chunkElements + 7, dtypes: ['BF16', 'F32'] });
    const [fast, exact] = [await wasm.load(inputs), await oracle.load(inputs)];
    for (const chunks of [[3], [5, 0, 2], []]) {
      const found = await wasm.reduce(fast, reductions, noValues, chunks);
      expect(found).toEqual(await oracle.reduce(exact, reductions, noValues, chunks));
      expect(found[0]?.lists[0]).toHaveLength(chunks.length);
    }
    const [all] = await wasm.reduce(fast, reductions.slice(0, 1), noValues);
    const [some] = await wasm.reduce(fast, reductions.slice(0, 1), noValues, [4, 1]);
    expect([...(some?.lists[0] ?? [])]).toEqual([4, 1].map((chunk) => all?.lists[0]?.[chunk]));
  });

  it('treat NaN alike: it is the maximum, and spoils a sum', async () => {
    const specialists = [bytesOf([1, NaN, -2], 'F32'), bytesOf([1, Infinity, -Infinity], 'F32')];
    const inputs = {
      ...randomSlice({ elementCount: 0, dtypes: [] }),
      elementCount: 3,
      specialists,
    };
    const list: Reduction[] = [
      { kind: 'max', of: specialist, perModel: true },
      { kind: 'sum', of: specialist, perModel: true },
    ];
    for (const backend of [wasm, oracle]) {
      const slice = await backend.load({ ...inputs, base: undefined });
      const [max, sum] = await backend.reduce(slice, list, noValues);
      expect(max?.lists.map(([value]) => value)).toEqual([NaN, Infinity]);
      expect(sum?.lists.map(([value]) => value)).toEqual([NaN, NaN]);
    }
  });

  it('give the same sum however a tensor is cut into slices', async () => {
    const whole = randomSlice({ elementCount: 3 * chunkElements + 5, dtypes: ['F32', 'F32'] });
    const sum: Reduction = { kind: 'sum', of: mul(specialist, base), perModel: true };
    const cut = async (sliceElements: number): Promise<number> => {
      const total = new ReductionTotal(sum, 1);
      for (let first = 0; first < whole.elementCount; first += sliceElements) {
        const end = Math.min(first + sliceElements, whole.elementCount);
        const part = (bytes: Uint8Array): Uint8Array => bytes.subarray(4 * first, 4 * end);
        const slice = await wasm.load({
          ...whole,
          firstElement: first,
          elementCount: end - first,
          base: whole.base && { dtype: 'F32', bytes: part(whole.base.bytes) },
          specialists: whole.specialists.map(({ bytes }) => ({ dtype: 'F32', bytes: part(bytes) })),
        });
        const [partial] = await wasm.reduce(slice, [sum], noValues);
        if (partial) total.add(partial);
        wasm.release(slice);
      }
      return total.numbers[0] ?? NaN;
    };
    expect(await cut(chunkElements)).toBe(await cut(4 * chunkElements));
  });

  it('sum in float64: a hundred thousand small terms beside a large one', async () => {
    const values = Array.from({ length: 100_000 }, (_, i) => (i === 0 ? 2 ** 24 : 0.25));
    const inputs = {
      ...randomSlice({ elementCount: 0, dtypes: [] }),
      elementCount: values.length,
      base: undefined,
      specialists: [bytesOf(values, 'F32')],
    };
    const slice = await wasm.load(inputs);
    const sum: Reduction = { kind: 'sum', of: specialist, perModel: true };
    const total = new ReductionTotal(sum, 1);
    const [partial] = await wasm.reduce(slice, [sum], noValues);
    if (partial) total.add(partial);
    // Every partial sum is a multiple of 1/4 below 2^53, so the float64 sum is exact.
    expect(total.numbers).toEqual([2 ** 24 + 99_999 / 4]);
  });
});
