import { LabError } from '../core/errors';
import type { JsonObject } from '../formats/bounded-json';
import { parseModelConfig, type ModelConfig } from '../formats/model-config';
import { traitsOf, type DecoderTraits } from './decoder-traits';

/** How Llama 3.1 stretches rotary frequencies (transformers 5, `_compute_llama3_parameters`). */
export interface Llama3RopeScaling {
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalMaxPositions: number;
}

/** A `config.json` a graph can be built for. */
export interface DecoderConfig extends Omit<ModelConfig, 'ropeScaling'> {
  readonly ropeScaling: Llama3RopeScaling | undefined;
  readonly traits: DecoderTraits;
}

/** `GroupQueryAttention` of onnxruntime 1.30 refuses other head sizes. */
const headSizeStep = 16;

/**
 * Reads a Hugging Face `config.json` and checks that the decoder graph can express it.
 *
 * @param label names the model in error sentences
 * @throws LabError `format/bad-config` for a malformed file; `model/unsupported` for an architecture
 *   or option there is no graph for
 */
export function parseDecoderConfig(text: string, label: string): DecoderConfig {
  const config = parseModelConfig(new TextEncoder().encode(text), `${label}/config.json`);
  const traits = traitsOf(config, label);
  const { headCount, keyValueHeadCount, headSize, layerCount } = config;
  if (headCount % keyValueHeadCount !== 0 || layerCount === 0) {
    throw new LabError(
      'format/bad-config',
      `config.json of ${label} has ${String(layerCount)} layers of ${String(headCount)} heads over ${String(keyValueHeadCount)} key-value heads; it needs a layer, and heads in a multiple of key-value heads.`,
      { details: { headCount, keyValueHeadCount, layerCount } },
    );
  }
  if (headSize % headSizeStep !== 0) {
    throw new LabError(
      'model/unsupported',
      `${label} has attention heads of size ${String(headSize)}; the runtime's attention takes only multiples of ${String(headSizeStep)}, so this model cannot be run here.`,
      { details: { headSize } },
    );
  }
  const ropeScaling = parseRopeScaling(config.ropeScaling, label);
  return { ...config, tiesEmbeddings: traits.tiesEmbeddings, ropeScaling, traits };
}

function parseRopeScaling(
  scaling: JsonObject | undefined,
  label: string,
): Llama3RopeScaling | undefined {
  if (scaling === undefined) return undefined;
  const type = scaling['rope_type'] ?? scaling['type'];
  if (type !== 'llama3') {
    throw new LabError(
      'model/unsupported',
      `${label} stretches positions by rope_type ${JSON.stringify(type)}; only default and llama3 are supported.`,
      { details: { ropeType: String(type) } },
    );
  }
  const positive = (key: string): number => {
    const value = scaling[key];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw new LabError(
      'format/bad-config',
      `config.json of ${label} needs a positive number under "${key}" of its rope scaling; correct the file.`,
      { details: { key } },
    );
  };
  return {
    factor: positive('factor'),
    lowFrequencyFactor: positive('low_freq_factor'),
    highFrequencyFactor: positive('high_freq_factor'),
    originalMaxPositions: positive('original_max_position_embeddings'),
  };
}
