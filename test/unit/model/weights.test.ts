import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../../src/core/float-bits';
import { Random } from '../../../src/core/random';
import { encodeOnnxModel } from '../../../src/formats/onnx-writer';
import { streamCheckpoint, type TensorStream } from '../../../src/formats/tensor-stream';
import { dataFileBytes } from '../../../src/model/data-file-bytes';
import { parseDecoderConfig } from '../../../src/model/decoder-config';
import { allocateData, fillWeights } from '../../../src/model/fill-weights';
import { buildDecoderGraph } from '../../../src/model/decoder-graph';
import { narrowFloats } from '../../../src/model/narrow-floats';
import { WeightPlanner } from '../../../src/model/weight-plan';
import { widenFloats } from '../../../src/model/widen-floats';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';

describe('widenFloats', () => {
  const cases = [0, -0, 1.5, -2, NaN, Infinity, -Infinity, 2 ** -130];

  it('widens bf16 exactly at any alignment', () => {
    const bits = Uint16Array.from(cases, (value) => {
      const word = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
      return word >>> 16;
    });
    const shifted = new Uint8Array(bits.byteLength + 1);
    shifted.set(new Uint8Array(bits.buffer), 1);
    expect([...widenFloats('BF16', shifted.subarray(1))]).toEqual(cases);
  });

  it('widens f16, subnormals included, and copies f32', () => {
    const halves = Uint16Array.from([...cases, 2 ** -24], f32ToF16);
    const wide = widenFloats('F16', new Uint8Array(halves.buffer));
    expect([...wide]).toEqual([...halves].map(f16ToF32));
    const singles = Float32Array.from(cases);
    const copy = widenFloats('F32', new Uint8Array(singles.buffer));
    expect([...copy]).toEqual([...singles]);
    expect(copy.buffer).not.toBe(singles.buffer);
    expect(widenFloats('BF16', new Uint8Array(0)).length).toBe(0);
  });
});

describe('narrowFloats', () => {
  it('rounds as one value at a time does, at every boundary of the format', () => {
    const bits = new Uint32Array(1 << 16);
    // Every sign and exponent with fractions around ties, and the odd ones.
    for (let index = 0; index < bits.length; index++) {
      const tie = [0, 0xfff, 0x1000, 0x1001, 0x1fff, 0x3000, 0x7fffff, 0x7ff000][index & 7] ?? 0;
      bits[index] = ((index >>> 7) << 23) | tie | ((index & 0x78) << 10);
    }
    const values = new Float32Array(bits.buffer);
    expect([...narrowFloats(values)]).toEqual([...values].map(f32ToF16));
    expect(narrowFloats(values.subarray(3, 5))[1]).toBe(f32ToF16(values[4] ?? 0));
  });
});

describe('WeightPlanner', () => {
  it('starts a new file before one would pass 1.9 GB', () => {
    const planner = new WeightPlanner('model.onnx_data');
    // Four matrices of 0.8 GB: two fit in a file.
    const tensors = ['a', 'b', 'c', 'd'].flatMap((name) =>
      planner.add(name, [name], [20_000, 10_000], 'fp32'),
    );
    const { files, weights } = planner.finish();
    expect(files.map((file) => file.name)).toEqual(['model.onnx_data', 'model.onnx_data_1']);
    expect(files.every((file) => file.sizeBytes <= 1_900_000_000)).toBe(true);
    const places = tensors.map(({ data }) =>
      data instanceof Uint8Array ? undefined : [data.location, data.offsetBytes],
    );
    expect(places[2]).toEqual(['model.onnx_data_1', 0]);
    expect(weights).toHaveLength(4);
  });

  it('never lets parts overlap and aligns them to 64 bytes', () => {
    const planner = new WeightPlanner('d');
    planner.add('a', ['a'], [3, 50], 'q4');
    planner.add('b', ['b'], [7], 'fp32');
    planner.add('c', ['c'], [5, 33], 'q8');
    const parts = planner.finish().weights.flatMap((weight) => weight.parts);
    let end = 0;
    for (const part of parts) {
      expect(part.offsetBytes % 64).toBe(0);
      expect(part.offsetBytes).toBeGreaterThanOrEqual(end);
      end = part.offsetBytes + part.lengthBytes;
    }
    expect(parts.map((part) => part.lengthBytes)).toEqual([
      3 * 2 * 16,
      3 * 2 * 2,
      3,
      28,
      5 * 2 * 32,
      5 * 2 * 4,
    ]);
  });
});

describe('fillWeights', () => {
  const config = { ...tinyConfig };
  const shapes = tensorShapes(config);
  const weights = tinyWeights(config, 3);
  const { plan, model } = buildDecoderGraph(parseDecoderConfig(JSON.stringify(config), 'tiny'), {
    dtype: 'fp32',
    dataFileName: 'weights.bin',
    positionCount: 64,
    logits: 'rows',
  });

  async function fill(changed: ReadonlyMap<string, Float32Array>, label = 'tiny'): Promise<void> {
    await fillWeights(plan, readerOf(label, changed, shapes), allocateData(plan));
  }

  it('stacks q, k and v by rows and writes every byte of the plan once', async () => {
    const data = allocateData(plan);
    const source = streamCheckpoint(readerOf('tiny', weights, shapes));
    const pieces: Uint8Array[] = [];
    for await (const bytes of dataFileBytes(plan, 0, source)) pieces.push(bytes.slice());
    await fillWeights(plan, readerOf('tiny', weights, shapes), data);
    expect(Buffer.compare(Buffer.concat(pieces), data[0] ?? new Uint8Array(0))).toBe(0);
    expect(plan.files.map(({ sizeBytes }) => sizeBytes)).toEqual([data[0]?.byteLength]);
    const stacked = plan.weights.find((weight) => weight.sources.length === 3);
    const [part] = stacked?.parts ?? [];
    const values = new Float32Array(
      data[0]?.buffer ?? new ArrayBuffer(0),
      part?.offsetBytes,
      (part?.lengthBytes ?? 0) / 4,
    );
    const expected = stacked?.sources.flatMap((name) => [...(weights.get(name) ?? [])]);
    expect([...values]).toEqual(expected);
  });

  it('keeps weights out of the graph file', () => {
    // What is left is structure and the rotary tables: 2 · 64 · 16 floats.
    expect(encodeOnnxModel(model).length).toBeLessThan(8192 + 20_000);
  });

  it('names a missing tensor', async () => {
    const changed = new Map(weights);
    changed.delete('model.layers.1.self_attn.v_proj.weight');
    await expect(fill(changed)).rejects.toMatchObject({
      code: 'format/bad-config',
      message: expect.stringContaining('model.layers.1.self_attn.v_proj.weight') as string,
    });
  });

  it('names a tensor of another shape', async () => {
    const odd = new Map(shapes).set('model.norm.weight', [48]);
    const changed = new Map(weights).set('model.norm.weight', new Float32Array(48));
    await expect(
      fillWeights(plan, readerOf('tiny', changed, odd), allocateData(plan)),
    ).rejects.toMatchObject({
      code: 'format/bad-config',
      message: expect.stringContaining('[48]') as string,
    });
  });

  it('refuses integer weights', async () => {
    const reader = readerOf('tiny', weights, shapes);
    const name = 'model.norm.weight';
    const tensors = new Map(reader.tensors);
    tensors.set(name, { name, dtype: 'I8', shape: [96], sizeBytes: 96 });
    const filled = fillWeights(plan, { ...reader, tensors }, allocateData(plan));
    await expect(filled).rejects.toMatchObject({ code: 'model/unsupported' });
  });

  it('stops when aborted and reports progress up to the whole', async () => {
    const controller = new AbortController();
    const reason = new Error('moved on');
    const reader = readerOf('tiny', weights, shapes);
    const stopped = fillWeights(plan, reader, allocateData(plan), {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
    const seen: number[] = [];
    await fillWeights(plan, reader, allocateData(plan), {
      onProgress: (progress) => seen.push(progress.done / progress.total),
    });
    expect(seen.at(-1)).toBe(1);
  });
});

describe('dataFileBytes', () => {
  const config = { ...tinyConfig };
  const reader = readerOf('tiny', tinyWeights(config, 3), tensorShapes(config));
  const source = streamCheckpoint(reader);

  /** The same tensors in pieces that end anywhere. */
  const crumbled: TensorStream = {
    ...source,
    stream: async function* (names, signal) {
      let size = 1;
      for await (const { name, bytes } of source.stream(names, signal)) {
        for (let from = 0; from < bytes.byteLength; from += size) {
          size = ((7 * size) % 4999) + 1;
          yield { name, bytes: bytes.subarray(from, from + size) };
        }
      }
    },
  };

  async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const bytes of stream) pieces.push(bytes.slice());
    return Buffer.concat(pieces);
  }

  it.each(['fp32', 'fp16', 'q8', 'q4'] as const)(
    'gives a whole file in order, from any byte and whatever the pieces: %s',
    async (dtype) => {
      const { plan } = buildDecoderGraph(parseDecoderConfig(JSON.stringify(config), 'tiny'), {
        dtype,
        dataFileName: 'weights.bin',
        positionCount: 64,
        logits: 'keep',
      });
      const whole = await bytesOf(dataFileBytes(plan, 0, source));
      expect(whole.byteLength).toBe(plan.files[0]?.sizeBytes);
      expect(Buffer.compare(await bytesOf(dataFileBytes(plan, 0, crumbled)), whole)).toBe(0);
      const random = new Random(7);
      for (let round = 0; round < 12; round++) {
        const fromBytes = random.integer(0, whole.byteLength);
        const rest = await bytesOf(dataFileBytes(plan, 0, source, { fromBytes }));
        expect(Buffer.compare(rest, whole.subarray(fromBytes))).toBe(0);
      }
    },
  );

  it('reads only the weights that are still to come', async () => {
    const { plan } = buildDecoderGraph(parseDecoderConfig(JSON.stringify(config), 'tiny'), {
      dtype: 'q4',
      dataFileName: 'weights.bin',
      positionCount: 64,
      logits: 'keep',
    });
    const last = plan.weights.at(-1);
    const fromBytes = (last?.parts[0]?.offsetBytes ?? 0) + 1;
    const read: string[] = [];
    const watched: TensorStream = {
      ...source,
      stream: (names, signal) => {
        read.push(...names);
        return source.stream(names, signal);
      },
    };
    await bytesOf(dataFileBytes(plan, 0, watched, { fromBytes }));
    expect(read).toEqual(last?.sources);
  });
});
