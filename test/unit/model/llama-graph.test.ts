import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { parseDecoderConfig } from '../../../src/model/decoder-config';
import { dequantise, quantise4, quantise8 } from '../../../src/model/quantise-blocks';
import { inverseFrequencies } from '../../../src/model/rope-tables';
import { sequenceLogits } from '../../../src/model/score-tokens';
import type { WeightEncoding } from '../../../src/model/weight-plan';
import { llamaOracle } from './llama-oracle';
import { openSession } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights, type TinyConfig } from './tiny-model';

const random = new Random(5);
const tokens = Array.from({ length: 24 }, () => random.integer(3, tinyConfig.vocab_size - 1));

const llama3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
};

async function compare(
  config: TinyConfig,
  weights: ReadonlyMap<string, Float32Array>,
  dtype: WeightEncoding,
  oracleWeights = weights,
): Promise<{ worst: number; spread: number; relativeRms: number }> {
  const session = await openSession(config, readerOf('tiny', weights, tensorShapes(config)), dtype);
  const logits = await sequenceLogits(session, tokens, 'tiny');
  await session.retire();
  const frequencies = inverseFrequencies(parseDecoderConfig(JSON.stringify(config), 'tiny'));
  const expected = llamaOracle(config, oracleWeights, [...frequencies], tokens).flat();
  expect(logits.length).toBe(expected.length);
  let worst = 0;
  let spread = 0;
  let squaredError = 0;
  let squaredSize = 0;
  expected.forEach((value, index) => {
    const error = value - (logits[index] ?? NaN);
    worst = Math.max(worst, Math.abs(error));
    spread = Math.max(spread, Math.abs(value));
    squaredError += error ** 2;
    squaredSize += value ** 2;
  });
  return { worst, spread, relativeRms: Math.sqrt(squaredError / squaredSize) };
}

/** What a q8 or q4 graph multiplies by: tables and untied tables in 8 bits, norms as they are. */
function rounded(config: TinyConfig, dtype: 'q8' | 'q4'): Map<string, Float32Array> {
  const shapes = tensorShapes(config);
  const weights = new Map(tinyWeights(config, 1));
  for (const [name, values] of weights) {
    const [rows = 1, columns] = shapes.get(name) ?? [];
    if (columns === undefined) continue;
    const bits8 = dtype === 'q8' || name === 'model.embed_tokens.weight';
    const blocks = bits8 ? quantise8(values, rows, columns) : quantise4(values, rows, columns);
    weights.set(name, dequantise(blocks, rows, columns));
  }
  return weights;
}

describe('the Llama graph against the written-out forward pass', () => {
  // float32 sums of at most 192 products through two layers, logits up to about 6: the worst
  // difference seen is 2e-5.
  it.each([
    ['tied head', {}],
    ['untied head', { tie_word_embeddings: false }],
    ['one key-value head a head', { num_key_value_heads: 6 }],
    ['Llama 3.1 rope', { rope_parameters: { ...llama3, rope_theta: 500_000 } }],
    ['rope under its old name', { rope_scaling: llama3, rope_theta: 500 }],
  ])('agrees in fp32: %s', async (_, change) => {
    const config = { ...tinyConfig, ...change } as TinyConfig;
    const { worst, spread } = await compare(config, tinyWeights(config, 1), 'fp32');
    expect(spread).toBeGreaterThan(2);
    expect(worst).toBeLessThan(1e-4);
  });

  it.each([
    ['q8', true],
    ['q8', false],
    ['q4', true],
    ['q4', false],
  ] as const)('multiplies by exactly the rounded weights: %s, tied %s', async (dtype, tied) => {
    const config = { ...tinyConfig, tie_word_embeddings: tied };
    const { worst } = await compare(config, tinyWeights(config, 1), dtype, rounded(config, dtype));
    expect(worst).toBeLessThan(1e-4);
  });

  it.each([true, false])('rounds only its products in fp16, tied %s', async (tied) => {
    const config = { ...tinyConfig, tie_word_embeddings: tied };
    // 11 bits of every product's inputs through two layers.
    const { worst, relativeRms } = await compare(config, tinyWeights(config, 1), 'fp16');
    expect(worst).toBeGreaterThan(1e-5);
    expect(worst).toBeLessThan(0.03);
    expect(relativeRms).toBeLessThan(2e-3);
  });

  it('stays close to fp32 in q8 and says how far off q4 is', async () => {
    const config = { ...tinyConfig };
    const weights = tinyWeights(config, 1);
    const q8 = await compare(config, weights, 'q8');
    const q4 = await compare(config, weights, 'q4');
    // Relative error of a weight is about 0.5 % in q8 and 8 % in q4 (uniform rounding in blocks of
    // 32); sharp random attention passes it on about fivefold.
    expect(q8.relativeRms).toBeLessThan(0.04);
    expect(q4.relativeRms).toBeLessThan(0.45);
    expect(q4.relativeRms).toBeGreaterThan(q8.relativeRms);
  });

  it('stretches only long waves in Llama 3.1', () => {
    const config = { ...tinyConfig, rope_scaling: llama3 };
    const plain = inverseFrequencies(parseDecoderConfig(JSON.stringify(tinyConfig), 'tiny'));
    const scaled = inverseFrequencies(parseDecoderConfig(JSON.stringify(config), 'tiny'));
    // Waves up to 16 / 4 = 4 positions stay: 2 pi / 1 = 6.3 is already blended.
    const ratios = Array.from(scaled, (frequency, index) => frequency / (plain[index] ?? NaN));
    expect(ratios[0]).toBeLessThan(1);
    expect(ratios[0]).toBeGreaterThan(1 / 8);
    expect(ratios.at(-1)).toBeCloseTo(1 / 8, 12);
  });
});
