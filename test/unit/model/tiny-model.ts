import { elementCountOf } from '../../../src/core/dtype';
import { f32ToBf16 } from '../../../src/core/float-bits';
import { Random } from '../../../src/core/random';
import type { CheckpointReader, TensorInfo } from '../../../src/formats/checkpoint-reader';

/** A small Llama whose sizes differ from each other wherever they may, so that no two can be mixed up. */
export const tinyConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 96,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: 130,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
  eos_token_id: 2,
  hidden_act: 'silu',
};

export type TinyConfig = typeof tinyConfig & Record<string, unknown>;

/** The tensors a checkpoint of this config has, with their shapes. */
export function tensorShapes(config: TinyConfig): Map<string, readonly number[]> {
  const hidden = config.hidden_size;
  const width = config.num_attention_heads * config.head_dim;
  const kvWidth = config.num_key_value_heads * config.head_dim;
  const shapes = new Map<string, readonly number[]>([
    ['model.embed_tokens.weight', [config.vocab_size, hidden]],
    ['model.norm.weight', [hidden]],
  ]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [config.vocab_size, hidden]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${String(layer)}`;
    shapes.set(`${prefix}.input_layernorm.weight`, [hidden]);
    shapes.set(`${prefix}.post_attention_layernorm.weight`, [hidden]);
    shapes.set(`${prefix}.self_attn.q_proj.weight`, [width, hidden]);
    shapes.set(`${prefix}.self_attn.k_proj.weight`, [kvWidth, hidden]);
    shapes.set(`${prefix}.self_attn.v_proj.weight`, [kvWidth, hidden]);
    shapes.set(`${prefix}.self_attn.o_proj.weight`, [hidden, width]);
    shapes.set(`${prefix}.mlp.gate_proj.weight`, [config.intermediate_size, hidden]);
    shapes.set(`${prefix}.mlp.up_proj.weight`, [config.intermediate_size, hidden]);
    shapes.set(`${prefix}.mlp.down_proj.weight`, [hidden, config.intermediate_size]);
  }
  return shapes;
}

/** Random bf16 weights, large enough that attention is not uniform. Equal for equal seeds. */
export function tinyWeights(config: TinyConfig, seed: number): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of tensorShapes(config)) {
    const random = Random.named(seed, name);
    const values = new Float32Array(elementCountOf(shape));
    for (let index = 0; index < values.length; index++) {
      const spread = (random.next01() + random.next01() + random.next01() - 1.5) * 0.3;
      values[index] = shape.length === 1 ? 1 + spread : spread;
    }
    weights.set(name, values.map(roundToBf16));
  }
  return weights;
}

function roundToBf16(value: number): number {
  return new Float32Array(Uint32Array.of(f32ToBf16(value) << 16).buffer)[0] ?? 0;
}

/** A checkpoint in memory that stores the weights as BF16 or F32. */
export function readerOf(
  label: string,
  weights: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
  dtype: 'BF16' | 'F32' = 'BF16',
): CheckpointReader {
  const tensors = new Map<string, TensorInfo>();
  const bytes = new Map<string, Uint8Array>();
  for (const [name, values] of weights) {
    const stored = dtype === 'F32' ? values.slice() : Uint16Array.from(values, f32ToBf16);
    bytes.set(name, new Uint8Array(stored.buffer));
    const shape = shapes.get(name) ?? [values.length];
    tensors.set(name, { name, dtype, shape, sizeBytes: stored.byteLength });
  }
  return {
    label,
    tensors,
    read: async (name, range) => {
      const all = bytes.get(name) ?? new Uint8Array(0);
      const start = range?.offsetBytes ?? 0;
      return Promise.resolve(all.subarray(start, start + (range?.lengthBytes ?? all.length)));
    },
  };
}
