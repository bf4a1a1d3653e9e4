/** What decides the tensors of a Llama-family checkpoint with tied embeddings. */
export interface LlamaShapes {
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
}

/** Of HuggingFaceTB/SmolLM2-135M (269 MB in bf16) and meta-llama/Llama-3.2-1B (2.5 GB). */
export const llamaShapes = {
  '135m': {
    hiddenSize: 576,
    layerCount: 30,
    headCount: 9,
    keyValueHeadCount: 3,
    headSize: 64,
    intermediateSize: 1536,
    vocabularySize: 49152,
    maxPositions: 8192,
    ropeTheta: 100_000,
  },
  '1b': {
    hiddenSize: 2048,
    layerCount: 16,
    headCount: 32,
    keyValueHeadCount: 8,
    headSize: 64,
    intermediateSize: 8192,
    vocabularySize: 128256,
    maxPositions: 131072,
    ropeTheta: 500_000,
  },
} as const satisfies Record<string, LlamaShapes>;

export type LlamaSize = keyof typeof llamaShapes;

export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The tensors in the order in which transformers writes them: by name. */
export function llamaTensors(shapes: LlamaShapes): TensorShape[] {
  const { hiddenSize, intermediateSize, headSize, headCount, keyValueHeadCount } = shapes;
  const queryRows = headCount * headSize;
  const keyRows = keyValueHeadCount * headSize;
  const layer: readonly TensorShape[] = [
    { name: 'input_layernorm', shape: [hiddenSize] },
    { name: 'mlp.down_proj', shape: [hiddenSize, intermediateSize] },
    { name: 'mlp.gate_proj', shape: [intermediateSize, hiddenSize] },
    { name: 'mlp.up_proj', shape: [intermediateSize, hiddenSize] },
    { name: 'post_attention_layernorm', shape: [hiddenSize] },
    { name: 'self_attn.k_proj', shape: [keyRows, hiddenSize] },
    { name: 'self_attn.o_proj', shape: [hiddenSize, queryRows] },
    { name: 'self_attn.q_proj', shape: [queryRows, hiddenSize] },
    { name: 'self_attn.v_proj', shape: [keyRows, hiddenSize] },
  ];
  const layers = Array.from({ length: shapes.layerCount }, (_, index) =>
    layer.map(({ name, shape }) => ({ name: `model.layers.${index}.${name}.weight`, shape })),
  );
  const ends: readonly TensorShape[] = [
    { name: 'model.embed_tokens.weight', shape: [shapes.vocabularySize, hiddenSize] },
    { name: 'model.norm.weight', shape: [hiddenSize] },
  ];
  return [...ends, ...layers.flat()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The `config.json` that belongs to the shapes. */
export function llamaConfig(shapes: LlamaShapes): Readonly<Record<string, unknown>> {
  return {
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    bos_token_id: 1,
    eos_token_id: 2,
    head_dim: shapes.headSize,
    hidden_act: 'silu',
    hidden_size: shapes.hiddenSize,
    intermediate_size: shapes.intermediateSize,
    max_position_embeddings: shapes.maxPositions,
    mlp_bias: false,
    model_type: 'llama',
    num_attention_heads: shapes.headCount,
    num_hidden_layers: shapes.layerCount,
    num_key_value_heads: shapes.keyValueHeadCount,
    rms_norm_eps: 1e-5,
    rope_theta: shapes.ropeTheta,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    vocab_size: shapes.vocabularySize,
  };
}
