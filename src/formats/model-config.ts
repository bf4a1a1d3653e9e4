import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject, type JsonObject } from './bounded-json';
import { quoted } from './text';

const configLimits = { maxSizeBytes: 4_000_000, maxDepth: 32 };

/** The keys of `config.json` that the lab computes with; the rest stays in `raw`. */
export interface ModelConfig {
  /** Such as `LlamaForCausalLM`. */
  readonly architecture: string;
  /** Such as `llama`. */
  readonly modelType: string;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  /** Fewer than `headCount` in grouped-query attention; equal when the file does not say. */
  readonly keyValueHeadCount: number;
  /** hiddenSize / headCount when the file does not say. */
  readonly headSize: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  /** The parameters of a rope scaling other than `default`, as the file has them. */
  readonly ropeScaling: JsonObject | undefined;
  readonly tiesEmbeddings: boolean;
  /** Such as `silu`. */
  readonly activation: string;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  /** Of `dtype` or `torch_dtype`, without the prefix `torch.`. */
  readonly dtype: string | undefined;
  readonly bosTokenId: number | undefined;
  /** Some models have several. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | undefined;
  /** The whole file as parsed. */
  readonly raw: JsonObject;
}

/**
 * Parses `config.json` of a decoder in Hugging Face layout. Reads the spellings of transformers 4
 * (`rope_theta`, `torch_dtype`) and 5 (`rope_parameters`, `dtype`).
 * @throws LabError `format/bad-config`, `format/too-large`
 */
export function parseModelConfig(bytes: Uint8Array, fileName: string): ModelConfig {
  const raw = parseJsonObject(bytes, fileName, 'format/bad-config', configLimits);
  const fields = new ConfigFields(raw, fileName);
  const hiddenSize = fields.integer('hidden_size', 1, 2 ** 20);
  const headCount = fields.integer('num_attention_heads', 1, 2 ** 16);
  const rope = isJsonObject(raw['rope_parameters']) ? raw['rope_parameters'] : undefined;
  const ropeFields = rope === undefined ? fields : new ConfigFields(rope, fileName);
  return {
    architecture: fields.architecture(),
    modelType: fields.text('model_type', ''),
    hiddenSize,
    intermediateSize: fields.integer('intermediate_size', 1, 2 ** 24),
    layerCount: fields.integer('num_hidden_layers', 0, 10_000),
    headCount,
    keyValueHeadCount: fields.integer('num_key_value_heads', 1, 2 ** 16, headCount),
    headSize: fields.integer('head_dim', 1, 2 ** 16, Math.floor(hiddenSize / headCount)),
    vocabularySize: fields.integer('vocab_size', 1, 2 ** 26),
    maxPositions: fields.integer('max_position_embeddings', 1, 2 ** 31, 2048),
    normEpsilon: fields.positive('rms_norm_eps', 1e-6),
    ropeTheta: ropeFields.positive('rope_theta', fields.positive('rope_theta', 10_000)),
    ropeScaling: ropeScalingOf(raw, rope),
    tiesEmbeddings: fields.boolean('tie_word_embeddings', false),
    activation: fields.text('hidden_act', 'silu'),
    attentionBias: fields.boolean('attention_bias', false),
    mlpBias: fields.boolean('mlp_bias', false),
    dtype: fields.dtype(),
    bosTokenId: fields.tokenIds('bos_token_id')[0],
    eosTokenIds: fields.tokenIds('eos_token_id'),
    padTokenId: fields.tokenIds('pad_token_id')[0],
    raw,
  };
}

function ropeScalingOf(raw: JsonObject, rope: JsonObject | undefined): JsonObject | undefined {
  const scaling = rope ?? raw['rope_scaling'];
  if (!isJsonObject(scaling)) return undefined;
  const kind = scaling['rope_type'] ?? scaling['type'];
  return kind === undefined || kind === 'default' ? undefined : scaling;
}

/** Typed access to one object of the file; null counts as absent, as in transformers. */
class ConfigFields {
  readonly #object: JsonObject;
  readonly #fileName: string;

  constructor(object: JsonObject, fileName: string) {
    this.#object = object;
    this.#fileName = fileName;
  }

  integer(key: string, low: number, high: number, fallback?: number): number {
    const value = this.#object[key] ?? fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) {
      return value;
    }
    throw this.#bad(key, `a whole number from ${String(low)} to ${String(high)}`);
  }

  positive(key: string, fallback: number): number {
    const value = this.#object[key] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw this.#bad(key, 'a positive number');
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#object[key] ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.#bad(key, 'true or false');
  }

  text(key: string, fallback: string): string {
    const value = this.#object[key] ?? fallback;
    if (typeof value === 'string' && value.length <= 256) return value;
    throw this.#bad(key, 'a short text');
  }

  dtype(): string | undefined {
    const key = this.#object['dtype'] === undefined ? 'torch_dtype' : 'dtype';
    const text = this.text(key, '').replace(/^torch\./, '');
    return text === '' ? undefined : text;
  }

  architecture(): string {
    const list = this.#object['architectures'];
    const first: unknown = Array.isArray(list) ? list[0] : undefined;
    if (typeof first === 'string' && first.length <= 256) return first;
    throw this.#bad('architectures', 'a list with the name of the architecture');
  }

  /** One id, a list of ids, or none. */
  tokenIds(key: string): readonly number[] {
    const value = this.#object[key] ?? [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length <= 64 && list.every(isTokenId)) return list;
    throw this.#bad(key, 'a token id or a list of them');
  }

  #bad(key: string, expected: string): LabError {
    const value = this.#object[key];
    const shown = value === undefined ? 'it is absent' : `it is ${quoted(JSON.stringify(value))}`;
    return new LabError(
      'format/bad-config',
      `${this.#fileName} needs ${expected} under "${key}", but ${shown}; correct the file or choose another model.`,
      { details: { file: this.#fileName, key } },
    );
  }
}

function isTokenId(value: unknown): value is number {
  // Some published configs say -1 for "none".
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= -1 && value < 2 ** 31;
}

/** What `dtype` in config.json calls each element type that a merge writes. */
export const configDtypes = { BF16: 'bfloat16', F16: 'float16', F32: 'float32' } as const;

/**
 * The text of a `config.json` with its dtype replaced and everything else as it was. Both spellings
 * are set where the file has both; a file with neither gets transformers 4's `torch_dtype`, which
 * version 5 reads too.
 */
export function withConfigDtype(config: JsonObject, dtype: keyof typeof configDtypes): string {
  const name = configDtypes[dtype];
  const changed: Record<string, unknown> = { ...config };
  if ('dtype' in changed) changed['dtype'] = name;
  if ('torch_dtype' in changed || !('dtype' in changed)) changed['torch_dtype'] = name;
  return `${JSON.stringify(changed, null, 2)}\n`;
}
