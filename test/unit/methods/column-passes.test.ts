import { describe, expect, it } from 'vitest';
import { hashText32, Random } from '../../../src/core/random';
import { chunkElements } from '../../../src/expr/backend';
import {
  abs,
  add,
  column,
  columnOf,
  mul,
  specialist,
  sumOverModels,
} from '../../../src/expr/build';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { mergeTensor } from '../../../src/methods/merge-tensor';
import type { MethodDefinition } from '../../../src/methods/method';
import { PassMemory } from '../../../src/methods/pass-memory';
import type { TensorTask } from '../../../src/methods/tensor-task';
import { bytesOf } from '../expr/slices';

const random = new Random(5);
/** Rows of 1000 do not end where slices of 16384 do. */
const shape = [40, 1000] as const;
const models = [0, 1].map(() =>
  Float32Array.from({ length: 40_000 }, () => Math.fround(random.next01() - 0.5)),
);

/** Three slices, read anew for every pass. */
function taskOf(backend: OracleBackend): TensorTask {
  return {
    name: 'w',
    elementCount: 40_000,
    shape,
    specialistCount: 2,
    numbers: { scalars: { scale: 2 }, perModel: {} },
    sliceCount: 3,
    openSlice: (index) => {
      const first = index * chunkElements;
      const parts = models.map((values) => [...values.subarray(first, first + chunkElements)]);
      return backend.load({
        tensorName: 'w',
        tensorKey: hashText32('w'),
        firstElement: first,
        elementCount: parts[0]?.length ?? 0,
        specialists: parts.map((values) => bytesOf(values, 'F32')),
      });
    },
    closeSlice: (slice) => {
      backend.release(slice);
    },
  };
}

async function merged(definition: MethodDefinition, memory?: PassMemory): Promise<Float32Array> {
  const out = new Float32Array(40_000);
  const backend = new OracleBackend();
  const emit = (bytes: Uint8Array, first: number): void => {
    out.set(new Float32Array(bytes.buffer), first);
  };
  await mergeTensor(backend, definition, taskOf(backend), 'F32', emit, { seed: 0, memory });
  return out;
}

const at = (model: number, element: number): number => models[model]?.[element] ?? 0;
const total = sumOverModels(specialist);

describe('passes whose results are columns', () => {
  it('shows whole rows to `measure`, also those that two slices share', async () => {
    const out = await merged({
      passes: [
        {
          kind: 'rows',
          scope: 'tensor',
          values: { total },
          measure: ({ total: row = new Float32Array() }, { scalars }) => ({
            last: (row[999] ?? 0) * (scalars['scale'] ?? 0),
          }),
        },
      ],
      output: column('last'),
    });
    const wanted = out.map((_, i) => {
      const last = Math.floor(i / 1000) * 1000 + 999;
      return Math.fround(at(0, last) + at(1, last)) * 2;
    });
    expect(out).toEqual(wanted);
  });

  it.each([
    ['last', (i: number): number => Math.floor(i / 1000), 40],
    ['first', (i: number): number => i % 1000, 1000],
  ] as const)('sums vectors along the %s axis', async (axis, vectorOf, count) => {
    const sums = new Float64Array(count);
    for (let i = 0; i < 40_000; i++) {
      const value = Math.fround(at(0, i) + at(1, i));
      sums[vectorOf(i)] = (sums[vectorOf(i)] ?? 0) + value;
    }
    const out = await merged({
      passes: [
        {
          kind: 'vectors',
          scope: 'tensor',
          axis,
          sums: { total },
          then: ({ total: sum = 0 }) => ({ sum }),
        },
      ],
      output: column('sum'),
    });
    expect(out).toEqual(out.map((_, i) => sums[vectorOf(i)] ?? 0));
  });

  it('hands whole matrices to `solve` and reads its answer element by element', async () => {
    const out = await merged({
      passes: [
        {
          kind: 'matrix',
          scope: 'tensor',
          name: 'solved',
          of: mul(specialist, specialist),
          solve: (matrices, { shape: found }) => {
            expect(found).toEqual(shape);
            expect(matrices.map(({ rowCount, columnCount }) => [rowCount, columnCount])).toEqual([
              [40, 1000],
              [40, 1000],
            ]);
            const [first, second] = matrices.map(({ values }) => values);
            return Promise.resolve(
              (first ?? new Float32Array()).map((a, i) => a - (second?.[i] ?? 0)),
            );
          },
        },
      ],
      output: column('solved'),
    });
    const square = (value: number): number => Math.fround(value * value);
    expect(out).toEqual(out.map((_, i) => square(at(0, i)) - square(at(1, i))));
  });

  it('draws mergekit’s numbers for the models that draw, and 0 for the others', async () => {
    const asked: unknown[] = [];
    const backend = new OracleBackend();
    const out = new Float32Array(40_000);
    await mergeTensor(
      backend,
      {
        passes: [
          { kind: 'mergekitRandom', scope: 'tensor', name: 'u', draws: (model) => model === 1 },
        ],
        output: sumOverModels(add(columnOf('u'), abs(columnOf('u')))),
      },
      taskOf(backend),
      'F32',
      (bytes, first) => {
        out.set(new Float32Array(bytes.buffer), first);
      },
      {
        seed: 7,
        mergekitDraws: {
          uniforms: (name, draw, first, count) => {
            asked.push([name, draw, first, count]);
            return Float32Array.from({ length: count }, (_, i) => first + i);
          },
          permutationHead: () => Uint32Array.of(),
        },
      },
    );
    expect(asked).toEqual([
      ['w', 0, 0, 16_384],
      ['w', 0, 16_384, 16_384],
      ['w', 0, 32_768, 7_232],
    ]);
    expect(out).toEqual(out.map((_, i) => 2 * i));
  });

  it('measures once while the weights and the numbers stay the same', async () => {
    let count = 0;
    const definition: MethodDefinition = {
      passes: [
        {
          kind: 'rows',
          scope: 'tensor',
          values: { total },
          measure: () => {
            count++;
            return { one: 1 };
          },
        },
      ],
      output: column('one'),
    };
    const memory = new PassMemory();
    await merged(definition, memory);
    await merged(definition, memory);
    expect(count).toBe(40);
  });
});
