/** How llama.cpp's converter changes the weights of one family, and how to name them back. */
export interface GgufArchitecture {
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** The class in `architectures` of config.json. */
  readonly className: string;
  /** Names within a layer: in the file, and in Hugging Face's layout. */
  readonly layerNames: ReadonlyMap<string, string>;
  /** Rows of q and k lie in pairs that rotate together, and not in two halves of each head. */
  readonly pairsRows: boolean;
  /** Norm weights are stored with 1 added. */
  readonly addsOneToNorms: boolean;
  readonly activation: 'silu' | 'gelu_pytorch_tanh';
}

const commonNames = [
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
  ['attn_norm', 'input_layernorm'],
] as const;
const twoNorms = new Map<string, string>([
  ...commonNames,
  ['ffn_norm', 'post_attention_layernorm'],
]);
const fourNorms = new Map<string, string>([
  ...commonNames,
  ['post_attention_norm', 'post_attention_layernorm'],
  ['ffn_norm', 'pre_feedforward_layernorm'],
  ['post_ffw_norm', 'post_feedforward_layernorm'],
]);
const headNorms = [
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
] as const;

const plain = { pairsRows: false, addsOneToNorms: false, activation: 'silu' } as const;
const gemma = {
  pairsRows: false,
  addsOneToNorms: true,
  activation: 'gelu_pytorch_tanh',
} as const;

/**
 * Families that can be read, by `general.architecture`. Names are those of gguf-py 0.19
 * (`tensor_mapping`), changes those of llama.cpp's converter, both checked against transformers.
 */
export const ggufArchitectures: ReadonlyMap<string, GgufArchitecture> = new Map([
  [
    'llama',
    {
      ...plain,
      modelType: 'llama',
      className: 'LlamaForCausalLM',
      layerNames: twoNorms,
      pairsRows: true,
    },
  ],
  ['qwen2', { ...plain, modelType: 'qwen2', className: 'Qwen2ForCausalLM', layerNames: twoNorms }],
  [
    'qwen3',
    {
      ...plain,
      modelType: 'qwen3',
      className: 'Qwen3ForCausalLM',
      layerNames: new Map([...twoNorms, ...headNorms]),
    },
  ],
  ['gemma', { ...gemma, modelType: 'gemma', className: 'GemmaForCausalLM', layerNames: twoNorms }],
  [
    'gemma2',
    { ...gemma, modelType: 'gemma2', className: 'Gemma2ForCausalLM', layerNames: fourNorms },
  ],
  [
    'gemma3',
    {
      ...gemma,
      modelType: 'gemma3_text',
      className: 'Gemma3ForCausalLM',
      layerNames: new Map([...fourNorms, ...headNorms]),
    },
  ],
]);

const outerNames: ReadonlyMap<string, string> = new Map([
  ['token_embd', 'model.embed_tokens'],
  ['output_norm', 'model.norm'],
  ['output', 'lm_head'],
]);

/** What loaders compute from the config: rotations and their factors. */
const computed = /^(rope_freqs|rope_factors_long|rope_factors_short|blk\.\d+\.attn_rot_embd)\./;

/**
 * A tensor's name in Hugging Face's layout; undefined for one that loaders compute, null for one
 * that the family does not have.
 */
export function huggingFaceName(
  name: string,
  architecture: GgufArchitecture,
): string | undefined | null {
  if (computed.test(name)) return undefined;
  const [, layer, part = '', kind] =
    /^(?:blk\.(0|[1-9]\d{0,3})\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const known = layer === undefined ? outerNames.get(part) : architecture.layerNames.get(part);
  if (kind === undefined || known === undefined) return null;
  return layer === undefined ? `${known}.${kind}` : `model.layers.${layer}.${known}.${kind}`;
}
