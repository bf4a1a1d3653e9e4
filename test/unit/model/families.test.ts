import { readFileSync } from 'node:fs';
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { elementCountOf } from '../../../src/core/dtype';
import type { CheckpointReader } from '../../../src/formats/checkpoint-reader';
import { encodeOnnxModel } from '../../../src/formats/onnx-writer';
import { parseDecoderConfig } from '../../../src/model/decoder-config';
import { buildDecoderGraph } from '../../../src/model/decoder-graph';
import { allocateData, fillWeights } from '../../../src/model/fill-weights';
import { sequenceLogits } from '../../../src/model/score-tokens';
import type { WeightEncoding } from '../../../src/model/weight-plan';
import { openSession, runtime } from './open-session';
import { readerOf } from './tiny-model';

type FamilyConfig = Readonly<Record<string, unknown>> & {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly tie_word_embeddings: boolean;
};

// Made by tools/goldens/families.py: logits of PyTorch's transformers.
const goldens = JSON.parse(readFileSync('test/fixtures/model/family-configs.json', 'utf8')) as {
  tokens: number[];
  configs: Record<string, FamilyConfig>;
};
const { tokens } = goldens;
const stored = readFileSync('test/fixtures/model/family-logits.bin');
const allLogits = new Float32Array(stored.buffer, stored.byteOffset, stored.byteLength / 4);
const families = ['gemma2', 'qwen2', 'qwen3'] as const;
type Family = (typeof families)[number];

function configOf(family: Family): FamilyConfig {
  const config = goldens.configs[family];
  if (config === undefined) throw new Error(`no config of ${family}`);
  return config;
}

function logitsOf(family: Family): Float32Array {
  const length = tokens.length * configOf(family).vocab_size;
  const start = families.indexOf(family) * length;
  return allLogits.subarray(start, start + length);
}

function shapesOf(family: Family): Map<string, readonly number[]> {
  const config = configOf(family);
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headSize } = config;
  const width = config.num_attention_heads * headSize;
  const kvWidth = config.num_key_value_heads * headSize;
  const shapes = new Map<string, readonly number[]>([
    ['model.embed_tokens.weight', [config.vocab_size, hidden]],
    ['model.norm.weight', [hidden]],
  ]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [config.vocab_size, hidden]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const set = (name: string, shape: readonly number[]): void => {
      shapes.set(`model.layers.${layer}.${name}`, shape);
    };
    set('input_layernorm.weight', [hidden]);
    set('post_attention_layernorm.weight', [hidden]);
    set('self_attn.q_proj.weight', [width, hidden]);
    set('self_attn.k_proj.weight', [kvWidth, hidden]);
    set('self_attn.v_proj.weight', [kvWidth, hidden]);
    set('self_attn.o_proj.weight', [hidden, width]);
    set('mlp.gate_proj.weight', [inner, hidden]);
    set('mlp.up_proj.weight', [inner, hidden]);
    set('mlp.down_proj.weight', [hidden, inner]);
    if (family === 'gemma2') {
      set('pre_feedforward_layernorm.weight', [hidden]);
      set('post_feedforward_layernorm.weight', [hidden]);
    } else if (family === 'qwen2') {
      set('self_attn.q_proj.bias', [width]);
      set('self_attn.k_proj.bias', [kvWidth]);
      set('self_attn.v_proj.bias', [kvWidth]);
    } else {
      set('self_attn.q_norm.weight', [headSize]);
      set('self_attn.k_norm.weight', [headSize]);
    }
  }
  return shapes;
}

/** The formula of tools/goldens/families.py. */
function readerFor(family: Family): CheckpointReader {
  const shapes = shapesOf(family);
  const weights = new Map<string, Float32Array>();
  for (const [index, name] of [...shapes.keys()].sort().entries()) {
    const shape = shapes.get(name) ?? [];
    const isRaised = shape.length === 1 && name.endsWith('norm.weight') && family !== 'gemma2';
    const values = new Float32Array(elementCountOf(shape));
    for (let at = 0; at < values.length; at++) {
      const drawn = (at * at * 31 + at * 7919 + index * 104729) % 1000003;
      values[at] = Math.fround((drawn / 1000003 - 0.5) * 0.6) + (isRaised ? 1 : 0);
    }
    weights.set(name, values);
  }
  return readerOf(family, weights, shapes, 'F32');
}

function worstOf(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let worst = 0;
  for (let index = 0; index < expected.length; index++) {
    worst = Math.max(worst, Math.abs((found[index] ?? NaN) - (expected[index] ?? NaN)));
  }
  return worst;
}

/** The graph that is exported, as another runtime sees it. */
class ExportedGraph {
  readonly #config: FamilyConfig;
  readonly #session: InferenceSession;
  readonly #cacheType: 'float32' | 'float16';

  private constructor(
    config: FamilyConfig,
    session: InferenceSession,
    cacheType: 'float32' | 'float16',
  ) {
    this.#config = config;
    this.#session = session;
    this.#cacheType = cacheType;
  }

  static async open(family: Family, dtype: WeightEncoding): Promise<ExportedGraph> {
    const config = configOf(family);
    const { model, plan, cacheType } = buildDecoderGraph(
      parseDecoderConfig(JSON.stringify(config), family),
      { dtype, dataFileName: 'weights.bin', positionCount: 64, logits: 'keep' },
    );
    const data = allocateData(plan);
    await fillWeights(plan, readerFor(family), data);
    const session = await runtime.ort.InferenceSession.create(encodeOnnxModel(model), {
      executionProviders: ['wasm'],
      externalData: [{ path: 'weights.bin', data: data[0] ?? new Uint8Array(0) }],
    });
    return new ExportedGraph(config, session, cacheType);
  }

  emptyCache(batchSize: number): Record<string, Tensor> {
    const { num_hidden_layers: layers, num_key_value_heads: heads, head_dim: size } = this.#config;
    const { Tensor } = runtime.ort;
    const empty = (): Tensor =>
      this.#cacheType === 'float32'
        ? new Tensor('float32', new Float32Array(0), [batchSize, heads, 0, size])
        : new Tensor('float16', new Uint16Array(0), [batchSize, heads, 0, size]);
    return Object.fromEntries(
      Array.from({ length: layers }, (_, layer) =>
        ['key', 'value'].map((part) => [`past_key_values.${layer}.${part}`, empty()] as const),
      ).flat(),
    );
  }

  async run(
    rows: readonly (readonly number[])[],
    mask: readonly (readonly number[])[],
    cache: Record<string, Tensor>,
  ): Promise<{ logits: Float32Array; cache: Record<string, Tensor> }> {
    const matrix = (values: readonly (readonly number[])[]): Tensor =>
      new runtime.ort.Tensor('int64', BigInt64Array.from(values.flat(), BigInt), [
        values.length,
        values[0]?.length ?? 0,
      ]);
    const outputs = await this.#session.run({
      input_ids: matrix(rows),
      attention_mask: matrix(mask),
      num_logits_to_keep: new runtime.ort.Tensor('int64', BigInt64Array.of(0n), []),
      ...cache,
    });
    const next: Record<string, Tensor> = {};
    for (const name of Object.keys(cache)) {
      const tensor = outputs[name.replace('past_key_values', 'present')];
      if (tensor !== undefined) next[name] = tensor;
    }
    return { logits: outputs['logits']?.data as Float32Array, cache: next };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

const ones = (length: number): number[] => Array.from({ length }, () => 1);

describe.each(families)('the graph of %s', (family) => {
  const vocabulary = configOf(family).vocab_size;

  it('has the logits of PyTorch in our own sessions', async () => {
    const session = await openSession(configOf(family), readerFor(family));
    const found = await sequenceLogits(session, tokens, family);
    await session.retire();
    const expected = logitsOf(family);
    expect(Math.max(...expected)).toBeGreaterThan(1);
    // Sums of 192 products in float32 on both sides, through three layers.
    expect(worstOf(found, expected)).toBeLessThan(2e-4);
  });

  it.each([
    ['fp32', 2e-4],
    // Eleven bits of every product's inputs; heads normed or capped amplify them.
    ['fp16', 0.1],
  ] as const)('has them as an export in pieces with a cache: %s', async (dtype, tolerance) => {
    const graph = await ExportedGraph.open(family, dtype);
    const expected = logitsOf(family);
    let cache = graph.emptyCache(1);
    let length = 0;
    for (const size of [12, 5, 1, 1, 1, 4]) {
      const piece = tokens.slice(length, length + size);
      const output = await graph.run([piece], [ones(length + size)], cache);
      const wanted = expected.subarray(length * vocabulary, (length + size) * vocabulary);
      expect(worstOf(output.logits, wanted)).toBeLessThan(tolerance);
      cache = output.cache;
      length += size;
    }
    expect(length).toBe(tokens.length);
    await graph.close();
  });
});

describe('an export of gemma2', () => {
  it('takes rows that are padded on the left, as transformers.js pads them', async () => {
    const graph = await ExportedGraph.open('gemma2', 'fp32');
    const expected = logitsOf('gemma2');
    const short = tokens.slice(0, 14);
    const padding = tokens.length - short.length;
    const zeros = Array.from({ length: padding }, () => 0);
    const { logits } = await graph.run(
      [tokens, [...zeros, ...short]],
      [ones(tokens.length), [...zeros, ...ones(short.length)]],
      graph.emptyCache(2),
    );
    const vocabulary = configOf('gemma2').vocab_size;
    const second = logits.subarray((tokens.length + padding) * vocabulary);
    expect(worstOf(logits.subarray(0, expected.length), expected)).toBeLessThan(2e-4);
    expect(worstOf(second, expected.subarray(0, short.length * vocabulary))).toBeLessThan(2e-4);
    await graph.close();
  });
});
