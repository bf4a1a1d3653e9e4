import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FloatDtype } from '../../src/core/dtype';
import { invariant } from '../../src/core/errors';
import { chunkElements } from '../../src/expr/backend';
import {
  add,
  and,
  base,
  bits,
  column,
  columnOf,
  f32,
  fromBits,
  gt,
  mul,
  select,
  shiftLeft,
  specialist,
  sub,
  sumOverModels,
  u32,
} from '../../src/expr/build';
import { OracleBackend } from '../../src/expr/oracle-backend';
import type { Reduction } from '../../src/expr/reduction';
import { ReductionTotal } from '../../src/expr/reduction';
import { findAdapter } from '../../src/gpu/adapter';
import { GpuDevice } from '../../src/gpu/device';
import { GpuBackend } from '../../src/gpu/gpu-backend';
import { chooseBackend } from '../../src/methods/choose-backend';
import { methods } from '../../src/methods/registry';
import { differences, floatsOf, noValues, randomSlice } from '../unit/expr/slices';
import type { SmallMerge } from '../unit/methods/merge-small';
import { mergeAll } from '../unit/methods/merge-small';

let gpu: GpuBackend;
const oracle = new OracleBackend();

async function openGpu(): Promise<GpuBackend> {
  const found = await findAdapter();
  invariant(found, 'the test browser has a WebGPU adapter');
  return GpuBackend.create(found);
}

beforeAll(async () => {
  gpu = await openGpu();
});
afterAll(() => {
  gpu.dispose();
});

/** Neighbouring numbers of a dtype have neighbouring integers. */
function orderedWord(bytes: Uint8Array, index: number, dtype: FloatDtype): number {
  const word =
    dtype === 'F32'
      ? (new Int32Array(bytes.buffer, bytes.byteOffset)[index] ?? 0)
      : (new Int16Array(bytes.buffer, bytes.byteOffset)[index] ?? 0);
  const magnitude = word & (dtype === 'F32' ? 0x7fffffff : 0x7fff);
  return word < 0 ? -magnitude : magnitude;
}

describe('WGSL on this browser’s device', () => {
  it.each(
    methods.flatMap((method) =>
      (['BF16', 'F16', 'F32'] as const).map((outDtype) => ({ id: method.id, method, outDtype })),
    ),
  )('$id into $outDtype agrees with the oracle', async ({ id, method, outDtype }) => {
    // Odd, so that the last word is half empty, and more than one chunk.
    const elementCount = chunkElements + 1237;
    const inputs = randomSlice({
      elementCount,
      dtypes: ['BF16', 'BF16', 'F16', 'F32'],
      hasBase: method.base !== 'none',
      seed: 3,
    });
    const specialists = inputs.specialists.slice(0, method.specialistCount.max);
    const count = specialists.length;
    const tensor = { ...inputs, specialists, name: 'layer.weight' };
    const merge: SmallMerge = {
      method: id,
      numbers: {
        perModel: {
          weight: [0.6, -0.2, 0.9, 0.5].slice(0, count),
          density: [0.3, 0.7, 1, 0.4].slice(0, count),
        },
      },
      outDtype,
      seed: 12345,
    };
    const [found = new Uint8Array()] = await mergeAll(gpu, [tensor], merge);
    const [wanted = new Uint8Array()] = await mergeAll(oracle, [tensor], merge);
    expect(found.length).toBe(wanted.length);
    const places = differences(found, wanted, outDtype);
    // A device may fuse multiplications with additions: at most one unit in the last place, in at
    // most one of a thousand elements.
    expect(places.length / elementCount).toBeLessThanOrEqual(0.001);
    for (const place of places) {
      const distance = orderedWord(found, place, outDtype) - orderedWord(wanted, place, outDtype);
      expect(Math.abs(distance)).toBeLessThanOrEqual(1);
    }
  });

  it('reduces like the oracle: counts and bins exactly, sums to 1e-12', async () => {
    const inputs = randomSlice({
      elementCount: 2 * chunkElements + 3,
      dtypes: ['BF16', 'F16', 'F32'],
    });
    const delta = sub(specialist, base);
    const reductions: Reduction[] = [
      { kind: 'sum', of: mul(delta, delta), perModel: true },
      { kind: 'max', of: delta, perModel: true },
      { kind: 'count', of: gt(delta, f32(0.25)), perModel: true },
      {
        kind: 'histogram',
        bin: and(bits(delta), u32(1023)),
        when: gt(delta, f32(0)),
        binCount: 1024,
        perModel: true,
      },
    ];
    const results = await Promise.all(
      [gpu, oracle].map(async (backend) => {
        const slice = await backend.load(inputs);
        const partials = await backend.reduce(slice, reductions, noValues);
        backend.release(slice);
        return reductions.map((reduction, index) => {
          const total = new ReductionTotal(reduction, 2);
          const partial = partials[index];
          if (partial) total.add(partial);
          return total;
        });
      }),
    );
    const [found = [], wanted = []] = results;
    found[0]?.numbers.forEach((sum, model) => {
      const exact = wanted[0]?.numbers[model] ?? NaN;
      expect(Math.abs(sum / exact - 1)).toBeLessThan(1e-12);
    });
    expect(found[1]?.numbers).toEqual(wanted[1]?.numbers);
    expect(found[2]?.numbers).toEqual(wanted[2]?.numbers);
    expect(found[3]?.bins).toEqual(wanted[3]?.bins);
  });

  it('reads columns, of all models and of each, in maps and reductions', async () => {
    const elementCount = chunkElements + 5;
    const inputs = randomSlice({ elementCount, dtypes: ['BF16', 'F16', 'F32'] });
    const shared = Float32Array.from({ length: elementCount }, (_, i) => 1 + (i % 9));
    const own = [shared.map((value) => value / 8), shared.map((value) => value - 4)];
    // Powers of two and small integers: exact however a device fuses operations.
    const scale = fromBits(shiftLeft(add(bits(f32(0)), u32(126)), 23));
    const output = add(
      mul(column('shared'), scale),
      sumOverModels(select(gt(columnOf('own'), f32(0)), columnOf('own'), specialist)),
    );
    const ofModel = add(mul(columnOf('own'), f32(2)), specialist);
    const reductions: Reduction[] = [
      { kind: 'max', of: mul(columnOf('own'), column('shared')), perModel: true },
      { kind: 'count', of: gt(columnOf('own'), f32(0)), perModel: true },
    ];
    const answers = await Promise.all(
      [gpu, oracle].map(async (backend) => {
        const slice = await backend.load(inputs);
        await backend.attach(slice, 'shared', [own[0] ?? shared]);
        await backend.attach(slice, 'own', own);
        await backend.attach(slice, 'shared', [shared]);
        const maps = [
          await backend.map(slice, output, noValues, 'F32'),
          await backend.map(slice, ofModel, noValues, 'F32', 1),
        ];
        const chunks = [1, 0];
        const partials = await backend.reduce(slice, reductions, noValues);
        const some = await backend.reduce(slice, reductions, noValues, chunks);
        expect(some.map((partial) => partial.lists.map((list) => [...list]))).toEqual(
          partials.map(({ lists }) => lists.map((list) => chunks.map((chunk) => list[chunk]))),
        );
        backend.release(slice);
        const lists = partials.map((partial) => partial.lists.map((list) => Math.max(...list)));
        return { maps, lists };
      }),
    );
    const [found, wanted] = answers;
    expect(found?.lists).toEqual(wanted?.lists);
    for (const map of [0, 1]) {
      const [left = new Uint8Array(), right] = [found?.maps[map], wanted?.maps[map]];
      expect(differences(left, right ?? new Uint8Array(), 'F32')).toEqual([]);
    }
  });

  it.each([1, 64, 999, chunkElements + 7])(
    'ranks rows of %i as the oracle, and computes by ranks',
    async (rowLength) => {
      const elementCount = rowLength * Math.ceil(chunkElements / rowLength);
      const inputs = randomSlice({ elementCount, dtypes: ['BF16', 'BF16', 'F32'] });
      const answers = await Promise.all(
        [gpu, oracle].map(async (backend) => {
          const slice = await backend.load(inputs);
          await backend.rankRows(slice, 'rank', sub(specialist, base), noValues, rowLength);
          const own = mul(columnOf('rank'), specialist);
          await backend.attachComputed(slice, 'own', sumOverModels(own), noValues);
          const ranks = await backend.map(slice, columnOf('rank'), noValues, 'F32', 1);
          await backend.detach(slice, 'rank');
          const sums = await backend.map(slice, column('own'), noValues, 'F32');
          backend.release(slice);
          return new Uint8Array([...ranks, ...sums]);
        }),
      );
      const [found = new Uint8Array(), wanted = new Uint8Array()] = answers;
      expect(differences(found, wanted, 'F32')).toEqual([]);
    },
  );

  it('merges empty and tiny tensors', async () => {
    for (const elementCount of [0, 1, 2, 3]) {
      const inputs = randomSlice({ elementCount, dtypes: ['BF16', 'BF16'], hasBase: false });
      const tensor = { ...inputs, name: 'tiny' };
      const [found = new Uint8Array()] = await mergeAll(gpu, [tensor], { method: 'linear' });
      const [wanted = new Uint8Array()] = await mergeAll(oracle, [tensor], { method: 'linear' });
      expect(floatsOf(found)).toEqual(floatsOf(wanted));
    }
  });

  it('keeps overlapping calls apart, and a slice until they are done', async () => {
    const inputs = randomSlice({ elementCount: 1000, dtypes: ['F32', 'F32'] });
    const slice = await gpu.load(inputs);
    const calls = [1, 2, 3, 4].map((factor) =>
      gpu.map(slice, mul(base, f32(factor)), noValues, 'F32'),
    );
    gpu.release(slice);
    const [one = 0] = floatsOf(inputs.base?.bytes.subarray(0, 4) ?? new Uint8Array());
    const found = await Promise.all(calls);
    expect(found.map((bytes) => floatsOf(bytes)[0])).toEqual([1, 2, 3, 4].map((by) => by * one));
    await expect.poll(() => gpu.usedBytes).toBe(0);
  });
});

describe('a device', () => {
  it('of this browser is a software one, which the chooser does not prefer', async () => {
    expect(gpu.isSoftware).toBe(true);
    const { backend, reason } = await chooseBackend('auto');
    expect(backend.id).toBe('wasm');
    expect(reason).toContain('software');
    backend.dispose();
    const asked = await chooseBackend('webgpu');
    expect(asked.backend.id).toBe('webgpu');
    asked.backend.dispose();
  });

  it('that is lost is named in the error of every later call', async () => {
    const found = await findAdapter();
    invariant(found, 'the test browser has a WebGPU adapter');
    const requested: GPUDevice[] = [];
    const requestDevice = found.adapter.requestDevice.bind(found.adapter);
    found.adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor);
      requested.push(device);
      return device;
    };
    const own = await GpuBackend.create(found);
    const inputs = randomSlice({ elementCount: 1000, dtypes: ['F32', 'F32'] });
    const slice = await own.load(inputs);
    requested[0]?.destroy();
    await expect(own.map(slice, base, noValues, 'F32')).rejects.toMatchObject({ code: 'gpu/lost' });
    await expect(own.load(inputs)).rejects.toMatchObject({ code: 'gpu/lost' });
    own.dispose();
  });

  it('that has too little memory says so', async () => {
    const found = await findAdapter();
    invariant(found, 'the test browser has a WebGPU adapter');
    const device = await GpuDevice.request(found);
    const allocate = device.guard(2 ** 42, () => {
      // Beyond every limit: reported as validation or as memory, never as success.
      device.device.createBuffer({ size: 2 ** 42, usage: 128 });
    });
    await expect(allocate).rejects.toThrow();
    device.dispose();
  });
});
