import { LabError } from '../core/errors';
import type { ModelConfig } from '../formats/model-config';

/** How a family's decoder differs from Llama's. */
export interface DecoderTraits {
  /** q, k and v have biases. */
  readonly hasQkvBias: boolean;
  /** q and k are normed head by head before they are rotated. */
  readonly normsHeads: boolean;
  /** What attention and feed-forward yield is normed before it joins the residual stream. */
  readonly normsOutputs: boolean;
  /** Norms multiply by their weight plus this. */
  readonly normAddend: 0 | 1;
  /** Factor of token vectors. */
  readonly embeddingScale: number;
  readonly activation: 'silu' | 'gelu-tanh';
  readonly attentionScale: number;
  /** Scores pass through cap · tanh(score / cap). */
  readonly attentionCap: number | undefined;
  /** The same for logits. */
  readonly logitCap: number | undefined;
  /** How many positions, its own included, a token of a sliding layer sees. */
  readonly window: number | undefined;
  readonly slidingLayers: readonly number[];
  readonly tiesEmbeddings: boolean;
}

type Family = (config: ModelConfig, label: string) => DecoderTraits;

/** By `model_type`; after the modelling files of transformers 5. */
const families: Readonly<Record<string, Family>> = {
  llama: (config, label) => {
    requireFields(config, label, { hidden_act: 'silu', attention_bias: false, mlp_bias: false });
    return llamaTraits(config);
  },
  qwen2: (config, label) => {
    requireFields(config, label, { hidden_act: 'silu', use_sliding_window: false });
    return { ...llamaTraits(config), hasQkvBias: true };
  },
  qwen3: (config, label) => {
    const wanted = { hidden_act: 'silu', attention_bias: false, use_sliding_window: false };
    requireFields(config, label, wanted);
    return { ...llamaTraits(config), normsHeads: true };
  },
  gemma2: (config, label) => {
    // Configs name the activation twice, and the older name may say another; only this one exists.
    const wanted = { hidden_activation: 'gelu_pytorch_tanh', attention_bias: false };
    requireFields(config, label, wanted);
    const { raw, hiddenSize } = config;
    const window = capOf(raw, 'sliding_window', 4096, label);
    const scalar = positiveOf(raw['query_pre_attn_scalar'], 256, 'query_pre_attn_scalar', label);
    return {
      ...llamaTraits(config),
      normsOutputs: true,
      normAddend: 1,
      embeddingScale: Math.sqrt(hiddenSize),
      activation: 'gelu-tanh',
      attentionScale: scalar ** -0.5,
      attentionCap: capOf(raw, 'attn_logit_softcapping', 50, label),
      logitCap: capOf(raw, 'final_logit_softcapping', 30, label),
      window,
      slidingLayers: window === undefined ? [] : slidingLayersOf(config),
      tiesEmbeddings: raw['tie_word_embeddings'] !== false,
    };
  },
};

/** Values of `model_type` a graph can be built for. */
export const supportedModelTypes: readonly string[] = Object.keys(families);

/**
 * @param label names the model in error sentences
 * @throws LabError `model/unsupported` for a family or an option there is no graph for,
 *   `format/bad-config`
 */
export function traitsOf(config: ModelConfig, label: string): DecoderTraits {
  const family = families[config.modelType];
  if (family !== undefined) return family(config, label);
  throw new LabError(
    'model/unsupported',
    `${label} has model_type "${config.modelType}", but only ${supportedModelTypes.join(', ')} can be run; open a checkpoint of one of these.`,
    { details: { modelType: config.modelType, supported: supportedModelTypes.join(',') } },
  );
}

function llamaTraits({ headSize, tiesEmbeddings }: ModelConfig): DecoderTraits {
  return {
    hasQkvBias: false,
    normsHeads: false,
    normsOutputs: false,
    normAddend: 0,
    embeddingScale: 1,
    activation: 'silu',
    attentionScale: headSize ** -0.5,
    attentionCap: undefined,
    logitCap: undefined,
    window: undefined,
    slidingLayers: [],
    tiesEmbeddings,
  };
}

/** Fields that may be absent, but not otherwise. */
function requireFields(
  { raw }: ModelConfig,
  label: string,
  wanted: Readonly<Record<string, string | boolean>>,
): void {
  for (const [field, value] of Object.entries(wanted)) {
    const found = raw[field] ?? value;
    if (found === value) continue;
    throw new LabError(
      'model/unsupported',
      `${label} has ${field} ${JSON.stringify(found)}; the graph of its family supports only ${JSON.stringify(value)}, so this model cannot be run here.`,
      { details: { field } },
    );
  }
}

/** Those the config names; without names every other one, from the first, as Gemma-2 was trained. */
function slidingLayersOf({ raw, layerCount }: ModelConfig): number[] {
  const types: unknown = raw['layer_types'];
  const isSliding = (layer: number): boolean =>
    Array.isArray(types) ? types[layer] === 'sliding_attention' : layer % 2 === 0;
  return Array.from({ length: layerCount }, (_, layer) => layer).filter(isSliding);
}

/** A positive number, the family's own when the config leaves it out, undefined when it is null. */
function capOf(
  raw: ModelConfig['raw'],
  key: string,
  fallback: number,
  label: string,
): number | undefined {
  return raw[key] === null ? undefined : positiveOf(raw[key], fallback, key, label);
}

function positiveOf(given: unknown, fallback: number, key: string, label: string): number {
  const value = given ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new LabError(
    'format/bad-config',
    `config.json of ${label} needs a positive number under "${key}"; correct the file.`,
    { details: { key } },
  );
}
