import type { TensorRole } from '../methods/method';
import type { JsonObject } from '../formats/bounded-json';
import { isJsonObject } from '../formats/bounded-json';

/** A layer tensor's name in its parts: `model.layers` . 3 . `mlp.up_proj.weight`. */
export interface LayerName {
  readonly stack: string;
  readonly index: number;
  readonly rest: string;
}

/** What a tensor's name and config say that its shape does not. */
export interface Architecture {
  /** `model_type`, or empty without a config. */
  readonly modelType: string;
  /** Whether every tensor of a layer must be there: architectures that mergekit has a table for. */
  readonly isKnown: boolean;
  /** The config says that the head is the embedding; a stored one is then a copy that loaders ignore. */
  readonly tiesHead: boolean;
}

/** Decoders whose tensors are known by name; mergekit 0.1.4's tables, corrected (OLMo2, GPT-NeoX). */
const knownTypes = [
  'llama',
  'mistral',
  'qwen2',
  'qwen3',
  'gemma',
  'gemma2',
  'gemma3',
  'gemma3_text',
  'olmo2',
  'phi3',
  'gpt2',
  'gpt_neox',
];

/** Families whose configs leave `tie_word_embeddings` out when it is true. */
const tiedByDefault = /^(gemma|gpt2$|cohere)/;

/** @param config undefined when the model has none */
export function architectureOf(config: JsonObject | undefined): Architecture {
  const text = config === undefined ? undefined : (textConfigOf(config) ?? config);
  const modelType = textOf(config?.['model_type']) ?? textOf(text?.['model_type']) ?? '';
  const tie = config?.['tie_word_embeddings'] ?? text?.['tie_word_embeddings'];
  return {
    modelType,
    isKnown: knownTypes.includes(modelType),
    tiesHead: typeof tie === 'boolean' ? tie : tiedByDefault.test(modelType),
  };
}

/** The part of a multi-modal config that describes the language model. */
export function textConfigOf(config: JsonObject): JsonObject | undefined {
  const text = config['text_config'];
  return isJsonObject(text) ? text : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const embeddingPattern =
  /(^|\.)(embed_tokens|wte|embed_in|word_embeddings|tok_embeddings)\.weight$/;
const headPattern = /(^|\.)(lm_head|embed_out)\.weight$/;
/** Tables of positions: matrices, but no map from one space to another. */
const positionPattern = /(^|\.)(wpe|embed_positions|position_embeddings|pos_embed)\./;

/** What kind of tensor this is. Only the input embedding of a vocabulary counts as one. */
export function roleOf(name: string, shape: readonly number[]): TensorRole {
  if (embeddingPattern.test(name)) return 'embedding';
  if (headPattern.test(name)) return 'head';
  return shape.length === 2 && !positionPattern.test(name) ? 'matrix' : 'other';
}

/** Whether a tensor outside the layers stands after them, as in mergekit's tables. */
export function standsAfterLayers(name: string): boolean {
  return headPattern.test(name) || /(^|\.)(norm|ln_f|final_\w*norm|final_norm)\./.test(name);
}

/** What old exports store although every loader computes it anew. */
export function isBuffer(name: string, modelType: string): boolean {
  if (name.endsWith('rotary_emb.inv_freq')) return true;
  if (modelType === 'gpt2') return /\.attn\.(masked_)?bias$/.test(name);
  return modelType === 'gpt_neox' && /\.attention\.(masked_)?bias$/.test(name);
}

/** A layer tensor's name taken apart at its first number; undefined outside the layers. */
export function layerNameOf(name: string): LayerName | undefined {
  const parts = /^(.+?)\.(\d{1,6})\.(.+)$/.exec(name);
  const [, stack, digits, rest] = parts ?? [];
  if (stack === undefined || digits === undefined || rest === undefined) return undefined;
  return { stack, index: Number(digits), rest };
}

/** A tensor's name in another layer. */
export function inLayer({ stack, rest }: LayerName, index: number): string {
  return `${stack}.${index}.${rest}`;
}

const rootPrefixes = ['model.', 'transformer.', 'gpt_neox.'];

/** Other names of a tensor: checkpoints of bare models leave the outermost part out. */
export function aliasesOf(name: string): readonly string[] {
  const prefix = rootPrefixes.find((root) => name.startsWith(root));
  return prefix === undefined
    ? rootPrefixes.map((root) => `${root}${name}`)
    : [name.slice(prefix.length)];
}
