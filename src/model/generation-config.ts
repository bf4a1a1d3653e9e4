import { parseJsonObject } from '../formats/bounded-json';
import type { DecoderConfig } from './decoder-config';
import type { ModelTexts } from './model-texts';

const limits = { maxSizeBytes: 1_000_000, maxDepth: 16 };

/**
 * Tokens that end a reply: `generation_config.json` has the word, as in transformers, else
 * `config.json`.
 * @throws LabError `format/bad-config` when generation_config.json is not a JSON object
 */
export function eosTokenIdsOf(
  texts: ModelTexts,
  config: DecoderConfig,
  label: string,
): readonly number[] {
  const text = texts.get('generation_config.json');
  if (text === undefined) return config.eosTokenIds;
  const bytes = new TextEncoder().encode(text);
  const json = parseJsonObject(
    bytes,
    `${label}/generation_config.json`,
    'format/bad-config',
    limits,
  );
  const ids = json['eos_token_id'] ?? config.eosTokenIds;
  const list: readonly unknown[] = Array.isArray(ids) ? ids : [ids];
  return list.filter((id) => typeof id === 'number');
}
