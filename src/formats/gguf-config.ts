import type { JsonObject } from './bounded-json';
import type { GgufArchitecture } from './gguf-architectures';
import { GgufFields } from './gguf-fields';
import type { GgufHeader } from './gguf-header';
import { llama3Scaling } from './gguf-rope';

/**
 * Layers of the Gemma models, 2 and 3, of 27B: they scale their queries by another number than the
 * head's size, and nothing in the file says so.
 */
const layerCountsOfGemma27B = [46, 62];

/**
 * The `config.json` that a GGUF file's metadata amounts to, for planning, merging and running. What the
 * format does not carry gets the family's value.
 *
 * @param ropeFactors the values of `rope_freqs.weight` where the file has it
 * @throws LabError `format/bad-config` that names the field
 */
export function configFromGguf(
  header: GgufHeader,
  architecture: GgufArchitecture,
  ropeFactors: Float32Array | undefined,
  fileName: string,
): JsonObject {
  const fields = new GgufFields(header.metadata, fileName);
  const prefix = fields.text('general.architecture') ?? '';
  const [modelType, className] = familyOf(architecture, fields);
  const hiddenSize = fields.integer(`${prefix}.embedding_length`, 1, 2 ** 20);
  const headCount = fields.integer(`${prefix}.attention.head_count`, 1, 2 ** 16);
  const layerCount = fields.integer(`${prefix}.block_count`, 0, 10_000);
  const headSize =
    fields.optionalInteger(`${prefix}.attention.key_length`, 1, 2 ** 16) ??
    Math.floor(hiddenSize / headCount);
  const theta =
    fields.optionalPositive(`${prefix}.rope.freq_base`) ??
    (modelType === 'gemma3_text' ? 1_000_000 : 10_000);
  const scaling =
    ropeFactors === undefined
      ? statedScaling(fields, prefix)
      : llama3Scaling(ropeFactors, theta, headSize);
  return {
    architectures: [className],
    model_type: modelType,
    hidden_size: hiddenSize,
    intermediate_size: fields.integer(`${prefix}.feed_forward_length`, 1, 2 ** 24),
    num_hidden_layers: layerCount,
    num_attention_heads: headCount,
    num_key_value_heads:
      fields.optionalInteger(`${prefix}.attention.head_count_kv`, 1, 2 ** 16) ?? headCount,
    head_dim: headSize,
    vocab_size: vocabularySizeOf(header, fields, prefix),
    max_position_embeddings: fields.integer(`${prefix}.context_length`, 1, 2 ** 31),
    rms_norm_eps: fields.positive(`${prefix}.attention.layer_norm_rms_epsilon`),
    rope_theta: theta,
    ...(scaling === undefined ? {} : { rope_scaling: scaling }),
    tie_word_embeddings: !header.tensors.has('output.weight'),
    hidden_act: architecture.activation,
    ...familySettings(header, fields, prefix, modelType, headSize, layerCount),
    ...tokenIds(fields),
    torch_dtype: 'float32',
  };
}

/** llama.cpp writes Mistral models as Llama ones; only their names tell them apart. */
function familyOf(architecture: GgufArchitecture, fields: GgufFields): [string, string] {
  const names = [fields.text('general.name'), fields.text('general.basename')];
  const isMistral = names.some((name) => name?.toLowerCase().includes('mistral') === true);
  return architecture.modelType === 'llama' && isMistral
    ? ['mistral', 'MistralForCausalLM']
    : [architecture.modelType, architecture.className];
}

function familySettings(
  header: GgufHeader,
  fields: GgufFields,
  prefix: string,
  modelType: string,
  headSize: number,
  layerCount: number,
): JsonObject {
  if (modelType === 'llama' || modelType === 'qwen3') {
    return {
      attention_bias: header.tensors.has('blk.0.attn_q.bias'),
      ...(modelType === 'llama' ? { mlp_bias: header.tensors.has('blk.0.ffn_up.bias') } : {}),
    };
  }
  const window = fields.optionalInteger(`${prefix}.attention.sliding_window`, 1, 2 ** 31);
  if (modelType === 'mistral') return { sliding_window: window ?? null };
  if (!modelType.startsWith('gemma')) return {};
  if (modelType === 'gemma') return { hidden_activation: 'gelu_pytorch_tanh' };
  const is27B = layerCountsOfGemma27B.includes(layerCount);
  const heads = fields.integer(`${prefix}.attention.head_count`, 1, 2 ** 16);
  const width = fields.integer(`${prefix}.embedding_length`, 1, 2 ** 20);
  const common = {
    hidden_activation: 'gelu_pytorch_tanh',
    attention_bias: false,
    sliding_window: window ?? 4096,
    query_pre_attn_scalar: is27B ? Math.floor(width / heads) : headSize,
  };
  // Every sixth layer sees everything and turns by `rope_theta`, the others by this.
  if (modelType === 'gemma3_text') {
    return { ...common, sliding_window_pattern: 6, rope_local_base_freq: 10_000 };
  }
  return {
    ...common,
    attn_logit_softcapping: fields.optionalPositive(`${prefix}.attn_logit_softcapping`) ?? 50,
    final_logit_softcapping: fields.optionalPositive(`${prefix}.final_logit_softcapping`) ?? 30,
  };
}

/** The embedding's rows where it is there: they are what a merge must fit. */
function vocabularySizeOf(header: GgufHeader, fields: GgufFields, prefix: string): number {
  return (
    header.tensors.get('token_embd.weight')?.shape[0] ??
    fields.optionalInteger(`${prefix}.vocab_size`, 1, 2 ** 26) ??
    fields.itemCount('tokenizer.ggml.tokens') ??
    1
  );
}

function statedScaling(fields: GgufFields, prefix: string): JsonObject | undefined {
  const kind = fields.text(`${prefix}.rope.scaling.type`);
  const factor = fields.optionalPositive(`${prefix}.rope.scaling.factor`);
  if (kind === undefined || kind === 'none' || factor === undefined) return undefined;
  const length = fields.optionalInteger(
    `${prefix}.rope.scaling.original_context_length`,
    1,
    2 ** 31,
  );
  return {
    rope_type: kind,
    factor,
    ...(length === undefined ? {} : { original_max_position_embeddings: length }),
  };
}

function tokenIds(fields: GgufFields): JsonObject {
  const ids = (['bos', 'eos', 'pad'] as const).map((name) => {
    const key = `tokenizer.ggml.${name === 'pad' ? 'padding' : name}_token_id`;
    return [`${name}_token_id`, fields.optionalInteger(key, 0, 2 ** 31)] as const;
  });
  return Object.fromEntries(ids.filter(([, id]) => id !== undefined));
}
