import { describe, expect, it } from 'vitest';
import { parseDecoderConfig } from '../../../src/model/decoder-config';
import { tinyConfig } from './tiny-model';

function parse(change: object): unknown {
  return parseDecoderConfig(JSON.stringify({ ...tinyConfig, ...change }), 'tiny');
}

describe('parseDecoderConfig', () => {
  it('reads the rotary base from either place', () => {
    expect(parse({ rope_theta: 500 })).toMatchObject({ ropeTheta: 500, ropeScaling: undefined });
    const nested = { rope_parameters: { rope_theta: 700, rope_type: 'default' } };
    expect(parse(nested)).toMatchObject({ ropeTheta: 700, ropeScaling: undefined });
  });

  it.each([
    [{ model_type: 'phi3' }, 'model_type "phi3", but only llama'],
    [{ hidden_act: 'gelu' }, 'hidden_act "gelu"'],
    [{ attention_bias: true }, 'attention_bias true'],
    [{ mlp_bias: true }, 'mlp_bias true'],
    [{ head_dim: 24 }, 'heads of size 24'],
    [{ rope_scaling: { rope_type: 'yarn', factor: 4 } }, 'rope_type "yarn"'],
  ])('says what it cannot run: %j', (change, sentence) => {
    expect(() => parse(change)).toThrow(
      expect.objectContaining({
        code: 'model/unsupported',
        message: expect.stringContaining(sentence) as string,
      }) as Error,
    );
  });

  it.each([
    [{ num_key_value_heads: 4 }],
    [{ num_hidden_layers: 0 }],
    [{ hidden_size: 'wide' }],
    [{ rope_scaling: { rope_type: 'llama3', factor: -1 } }],
  ])('refuses a config that contradicts itself: %j', (change) => {
    expect(() => parse(change)).toThrow(
      expect.objectContaining({ code: 'format/bad-config' }) as Error,
    );
  });
});
