import { describe, expect, it } from 'vitest';
import { adapterRank, adapterScale, parseAdapterConfig } from '../../../src/formats/adapter-config';

const parse = (config: object): ReturnType<typeof parseAdapterConfig> =>
  parseAdapterConfig(new TextEncoder().encode(JSON.stringify(config)), 'adapter_config.json');

describe('parseAdapterConfig', () => {
  it('gives every module its rank and scale, by the first pattern that its name ends with', () => {
    const config = parse({
      peft_type: 'LORA',
      r: 16,
      lora_alpha: 32,
      rank_pattern: { q_proj: 4, 'layers.1.self_attn.q_proj': 2 },
      alpha_pattern: { 'layers\\.[01].*v_proj': 8 },
    });
    const q = 'model.layers.1.self_attn.q_proj';
    const v = 'model.layers.0.self_attn.v_proj';
    expect([adapterRank(config, q), adapterScale(config, q)]).toEqual([4, 8]);
    expect([adapterRank(config, v), adapterScale(config, v)]).toEqual([16, 0.5]);
    expect(adapterScale(config, 'model.layers.2.self_attn.v_proj')).toBe(2);
    // A part of a name is no module.
    expect(adapterRank(config, 'model.layers.1.self_attn.xq_proj')).toBe(16);
  });

  it('scales by the root of the rank when the adapter is rank stabilised', () => {
    const config = parse({ peft_type: 'LORA', r: 16, lora_alpha: 32, use_rslora: true });
    expect(adapterScale(config, 'model.layers.0.mlp.up_proj')).toBe(8);
  });

  it.each([
    [{ peft_type: 'IA3' }, 'engine/unsupported'],
    [{}, 'engine/unsupported'],
    [{ peft_type: 'LORA', use_dora: true }, 'engine/unsupported'],
    [{ peft_type: 'LORA', layer_replication: [[0, 4]] }, 'engine/unsupported'],
    [{ peft_type: 'LORA', init_lora_weights: 'pissa_niter_4' }, 'engine/unsupported'],
    [{ peft_type: 'LORA', r: 0 }, 'format/bad-config'],
    [{ peft_type: 'LORA', r: 'many' }, 'format/bad-config'],
    [{ peft_type: 'LORA', lora_alpha: null, alpha_pattern: [3] }, 'format/bad-config'],
    [{ peft_type: 'LORA', rank_pattern: { '(': 3 } }, 'format/bad-config'],
  ])('refuses %j', (config, code) => {
    expect(() => parse(config)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('accepts what PEFT writes for plain LoRA', () => {
    const config = parse({
      peft_type: 'LORA',
      r: 8,
      use_dora: false,
      layer_replication: null,
      trainable_token_indices: null,
      init_lora_weights: true,
      loftq_config: {},
      megatron_config: null,
    });
    expect(config).toMatchObject({ rank: 8, alpha: 8, isTransposed: false });
  });
});
