/** What decides the tensors of a decoder checkpoint with tied embeddings. */
export interface ModelShapes {
  readonly family: 'llama' | 'gemma2';
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

/**
 * Of HuggingFaceTB/SmolLM2-135M (269 MB in bf16), meta-llama/Llama-3.2-1B (2.5 GB),
 * google/gemma-2-2b (5.2 GB) and meta-llama/Llama-3.2-3B (6.4 GB).
 */
export const modelShapes = {
  '135m': {
    family: 'llama',
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
    family: 'llama',
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
  'gemma-2b': {
    family: 'gemma2',
    hiddenSize: 2304,
    layerCount: 26,
    headCount: 8,
    keyValueHeadCount: 4,
    headSize: 256,
    intermediateSize: 9216,
    vocabularySize: 256_000,
    maxPositions: 8192,
    ropeTheta: 10_000,
  },
  '3b': {
    family: 'llama',
    hiddenSize: 3072,
    layerCount: 28,
    headCount: 24,
    keyValueHeadCount: 8,
    headSize: 128,
    intermediateSize: 8192,
    vocabularySize: 128256,
    maxPositions: 131072,
    ropeTheta: 500_000,
  },
} as const satisfies Record<string, ModelShapes>;

export type ModelSize = keyof typeof modelShapes;

export const modelSizes = Object.keys(modelShapes) as readonly ModelSize[];

export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The tensors in the order of computation. */
export function tensorsOf(shapes: ModelShapes): TensorShape[] {
  const { hiddenSize, intermediateSize, headSize, headCount, keyValueHeadCount } = shapes;
  const queryRows = headCount * headSize;
  const keyRows = keyValueHeadCount * headSize;
  const feedforwardNorms =
    shapes.family === 'gemma2' ? ['pre_feedforward_layernorm', 'post_feedforward_layernorm'] : [];
  const layer: readonly TensorShape[] = [
    { name: 'self_attn.q_proj', shape: [queryRows, hiddenSize] },
    { name: 'self_attn.k_proj', shape: [keyRows, hiddenSize] },
    { name: 'self_attn.v_proj', shape: [keyRows, hiddenSize] },
    { name: 'self_attn.o_proj', shape: [hiddenSize, queryRows] },
    { name: 'mlp.gate_proj', shape: [intermediateSize, hiddenSize] },
    { name: 'mlp.up_proj', shape: [intermediateSize, hiddenSize] },
    { name: 'mlp.down_proj', shape: [hiddenSize, intermediateSize] },
    ...['input_layernorm', 'post_attention_layernorm', ...feedforwardNorms].map((name) => ({
      name,
      shape: [hiddenSize],
    })),
  ];
  const layers = Array.from({ length: shapes.layerCount }, (_, index) =>
    layer.map(({ name, shape }) => ({ name: `model.layers.${index}.${name}.weight`, shape })),
  );
  return [
    { name: 'model.embed_tokens.weight', shape: [shapes.vocabularySize, hiddenSize] },
    ...layers.flat(),
    { name: 'model.norm.weight', shape: [hiddenSize] },
  ];
}

/** The `config.json` that belongs to the shapes, in transformers 4's spelling. */
export function configOf(shapes: ModelShapes): Readonly<Record<string, unknown>> {
  return {
    attention_bias: false,
    bos_token_id: 1,
    eos_token_id: 2,
    head_dim: shapes.headSize,
    hidden_size: shapes.hiddenSize,
    intermediate_size: shapes.intermediateSize,
    max_position_embeddings: shapes.maxPositions,
    num_attention_heads: shapes.headCount,
    num_hidden_layers: shapes.layerCount,
    num_key_value_heads: shapes.keyValueHeadCount,
    rope_theta: shapes.ropeTheta,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    vocab_size: shapes.vocabularySize,
    ...(shapes.family === 'gemma2' ? gemma2Fields : llamaFields),
  };
}

const llamaFields = {
  architectures: ['LlamaForCausalLM'],
  hidden_act: 'silu',
  mlp_bias: false,
  model_type: 'llama',
  rms_norm_eps: 1e-5,
};

/** The scalar attends as if heads had this size; Gemma-2-2B's have. */
const gemma2Fields = {
  architectures: ['Gemma2ForCausalLM'],
  attn_logit_softcapping: 50,
  final_logit_softcapping: 30,
  hidden_act: 'gelu_pytorch_tanh',
  hidden_activation: 'gelu_pytorch_tanh',
  model_type: 'gemma2',
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  sliding_window: 4096,
};
