import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { parseModelConfig, withConfigDtype } from '../../../src/formats/model-config';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 192,
  intermediate_size: 512,
  num_hidden_layers: 4,
  num_attention_heads: 6,
  vocab_size: 1024,
};

describe('parseModelConfig', () => {
  it('fills what a file leaves out as transformers does', () => {
    const config = parseModelConfig(encode(llama), 'm/config.json');
    expect(config).toMatchObject({
      headSize: 32,
      keyValueHeadCount: 6,
      ropeTheta: 10_000,
      tiesEmbeddings: false,
      eosTokenIds: [],
      dtype: undefined,
      ropeScaling: undefined,
    });
  });

  it('reads both spellings of rope and dtype', () => {
    const old = { ...llama, torch_dtype: 'torch.float16', rope_theta: 5e5, rope_scaling: null };
    const recent = {
      ...llama,
      dtype: 'bfloat16',
      rope_parameters: { rope_theta: 1e6, rope_type: 'default' },
      num_key_value_heads: 2,
      head_dim: 64,
      eos_token_id: [2, 7],
      bos_token_id: 1,
    };
    expect(parseModelConfig(encode(old), 'c')).toMatchObject({ dtype: 'float16', ropeTheta: 5e5 });
    expect(parseModelConfig(encode(recent), 'c')).toMatchObject({
      dtype: 'bfloat16',
      ropeTheta: 1e6,
      keyValueHeadCount: 2,
      headSize: 64,
      eosTokenIds: [2, 7],
      bosTokenId: 1,
      ropeScaling: undefined,
    });
    const scaled = { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8 } };
    expect(parseModelConfig(encode(scaled), 'c').ropeScaling).toMatchObject({ factor: 8 });
  });

  it.each([
    ['hidden_size', 0],
    ['hidden_size', 1e300],
    ['hidden_size', '192'],
    ['num_hidden_layers', -1],
    ['num_attention_heads', 2.5],
    ['vocab_size', undefined],
    ['architectures', []],
    ['tie_word_embeddings', 'yes'],
    ['rms_norm_eps', 0],
    ['eos_token_id', [1, 'x']],
  ])('names the key when %s is %j', (key, value) => {
    let error: unknown;
    try {
      parseModelConfig(encode({ ...llama, [key]: value }), 'm/config.json');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LabError);
    expect(error).toMatchObject({ code: 'format/bad-config' });
    expect(String(error)).toContain(`"${key}"`);
    expect(String(error)).toContain('m/config.json');
  });
});

describe('withConfigDtype', () => {
  it('changes the dtype under the key that the file uses and nothing else', () => {
    const recent = { ...llama, dtype: 'bfloat16', extra: { deep: [1, null] } };
    expect(JSON.parse(withConfigDtype(recent, 'F32'))).toEqual({ ...recent, dtype: 'float32' });
    const old = { ...llama, torch_dtype: 'float32' };
    expect(JSON.parse(withConfigDtype(old, 'F16'))).toEqual({ ...old, torch_dtype: 'float16' });
    expect(JSON.parse(withConfigDtype(llama, 'BF16'))).toEqual({
      ...llama,
      torch_dtype: 'bfloat16',
    });
  });
});
