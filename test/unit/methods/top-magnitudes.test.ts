import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { chunkElements } from '../../../src/expr/backend';
import { base, specialist, sub } from '../../../src/expr/build';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { runPasses } from '../../../src/methods/run-pass';
import type { TopPass } from '../../../src/methods/method';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { Random } from '../../../src/core/random';
import type { SmallTensor } from './merge-small';
import { smallTensor, taskOf } from './merge-small';

const wasm = new WasmBackend({ threadCount: 2 });
afterAll(() => {
  wasm.dispose();
});

const change = sub(specialist, base);

const topOf = (
  keep: readonly number[],
  scope: TopPass['scope'],
  ties: TopPass['ties'],
): TopPass => ({
  kind: 'top',
  scope,
  name: 'top',
  of: change,
  ties,
  keep: (model) => keep[model] ?? 0,
});

/** float32 |w − b| as an integer that orders magnitudes. */
function rankOf(weight: number, origin: number): number {
  const word = new Uint32Array(Float32Array.of(Math.abs(weight - origin)).buffer)[0] ?? 0;
  return Math.min(word & 0x7fffffff, 0x7f800001);
}

/** The indices that `findTop` keeps of a tensor, read off bits and cut as the kernels do. */
function keptOf(values: readonly number[], bits: number, cut: number): number[] {
  return values.flatMap((value, index) => {
    const rank = rankOf(value, 0);
    return rank > bits || (rank === bits && index < cut) ? [index] : [];
  });
}

/** By sorting: larger magnitude first, lower tensor and index first among equals. */
function sortedTop(lists: readonly (readonly number[])[], keep: number): number[][] {
  const all = lists.flatMap((values, tensor) =>
    values.map((value, index) => ({ rank: rankOf(value, 0), tensor, index })),
  );
  all.sort((x, y) => y.rank - x.rank || x.tensor - y.tensor || x.index - y.index);
  const kept = all.slice(0, keep);
  return lists.map((_, tensor) =>
    kept
      .filter((element) => element.tensor === tensor)
      .map(({ index }) => index)
      .sort((x, y) => x - y),
  );
}

/** Few distinct values, so that thresholds fall into large groups of equals. */
const value = fc.oneof(
  fc.constantFrom(0, -0, 0.5, -0.5, 1, 1e-42, NaN, Infinity, -Infinity),
  fc.float({ noNaN: true }),
);

async function keptBy(
  backend: OracleBackend | WasmBackend,
  lists: readonly (readonly number[])[],
  keep: number,
  ties: TopPass['ties'] = 'lowerIndexFirst',
  sliceElements?: number,
): Promise<number[][]> {
  const merge = { method: 'ties', ...(sliceElements === undefined ? {} : { sliceElements }) };
  const entries = lists.map((values, index) => {
    const zeros = values.map(() => 0);
    const tensor: SmallTensor = smallTensor(zeros, [values], 'F32', `t${index}`);
    const task = taskOf(backend, tensor, merge);
    return { task, numbers: task.numbers, columns: [] };
  });
  const found = await runPasses(backend, [topOf([keep], 'model', ties)], entries, { seed: 0 });
  return lists.map((values, index) => {
    const perModel = found[index]?.numbers.perModel;
    return keptOf(values, perModel?.['top.bits']?.[0] ?? NaN, perModel?.['top.cut']?.[0] ?? NaN);
  });
}

describe('the k-th magnitude', () => {
  it('keeps what a stable sort keeps, ties to the lower index', async () => {
    const lists = fc.array(fc.array(value, { minLength: 1, maxLength: 40 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(lists, fc.double({ min: 0, max: 1, noNaN: true }), async (given, share) => {
        const floats = given.map((list) => list.map((x) => Math.fround(x)));
        const total = floats.reduce((sum, list) => sum + list.length, 0);
        const keep = Math.round(share * total);
        const wanted = sortedTop(floats, keep);
        expect(await keptBy(new OracleBackend(), floats, keep)).toEqual(wanted);
        expect(await keptBy(wasm, floats, keep)).toEqual(wanted);
      }),
      { numRuns: 120, seed: 7 },
    );
  });

  it('is the same when a tensor is read in slices', async () => {
    const random = new Random(3);
    const values = Array.from({ length: 2 * chunkElements + 11 }, () =>
      Math.fround(random.integer(-300, 300) / 64),
    );
    for (const keep of [1, 1000, chunkElements, 2 * chunkElements + 10]) {
      const wanted = sortedTop([values], keep);
      expect(await keptBy(wasm, [values], keep, 'lowerIndexFirst', chunkElements)).toEqual(wanted);
    }
  });

  it('is the same in a tensor so large that it is sampled, whatever the sample says', async () => {
    const random = new Random(4);
    const elementCount = 25 * chunkElements + 3;
    const fine = (): number => Math.fround(random.next01() + random.next01() - 1);
    const tensors = {
      fine: Array.from({ length: elementCount }, fine),
      // Large groups of equals, as differences of bf16 weights have.
      coarse: Array.from({ length: elementCount }, () => Math.round(8 * fine()) / 8),
      // What the sample does not see is a thousand times as large.
      misleading: Array.from({ length: elementCount }, (_, index) =>
        index < chunkElements ? 1000 * fine() : Math.fround(fine()),
      ).map(Math.fround),
    };
    for (const values of Object.values(tensors)) {
      const ranks = values.map((x) => rankOf(x, 0));
      const order = Uint32Array.from(values, (_, index) => index);
      order.sort((x, y) => (ranks[y] ?? 0) - (ranks[x] ?? 0) || x - y);
      for (const keep of [5, Math.trunc(0.2 * elementCount), elementCount - 7]) {
        const wanted = order.slice(0, keep).sort();
        const sliceElements = keep === 5 ? 4 * chunkElements : undefined;
        const [found = []] = await keptBy(wasm, [values], keep, 'lowerIndexFirst', sliceElements);
        expect(found.length).toBe(keep);
        expect(found.every((index, place) => index === wanted[place])).toBe(true);
      }
    }
  }, 60_000);

  it('is found for several counts at the same time', async () => {
    const random = new Random(5);
    // Few and many distinct magnitudes, too few elements for a sample and enough of them.
    for (const [elementCount, steps] of [
      [3 * chunkElements + 5, 9],
      [17 * chunkElements + 3, 9],
      [17 * chunkElements + 3, 1e6],
    ] as const) {
      const values = Array.from({ length: elementCount }, () =>
        Math.fround(random.integer(-steps, steps) / 64),
      );
      const keeps = [0.21, 0.2, 0.01, 1].map((share) => Math.trunc(share * elementCount));
      const task = taskOf(
        wasm,
        smallTensor(
          values.map(() => 0),
          [values],
          'F32',
          't',
        ),
        { method: 'ties' },
      );
      const passes = keeps.map((keep, index) => ({
        ...topOf([keep], 'tensor', 'lowerIndexFirst'),
        name: `top${index}`,
      }));
      const entry = { task, numbers: task.numbers, columns: [] };
      const [found] = await runPasses(wasm, passes, [entry], { seed: 0 });
      for (const [index, keep] of keeps.entries()) {
        const numbers = found?.numbers.perModel ?? {};
        const bits = numbers[`top${index}.bits`]?.[0] ?? NaN;
        const kept = keptOf(values, bits, numbers[`top${index}.cut`]?.[0] ?? NaN);
        expect(kept).toEqual((await keptBy(wasm, [values], keep))[0]);
        expect(kept.length).toBe(keep);
      }
    }
  });

  it('keeps every tie when asked to, as MergeBench does', async () => {
    const values = [1, -1, 2, 1, 0.5, -1];
    expect(await keptBy(wasm, [values], 2, 'all')).toEqual([[0, 1, 2, 3, 5]]);
  });

  it('keeps all or nothing at the ends', async () => {
    const values = [0, -0, NaN, 3];
    expect(await keptBy(wasm, [values], 4)).toEqual([[0, 1, 2, 3]]);
    expect(await keptBy(wasm, [values], 0)).toEqual([[]]);
  });
});
