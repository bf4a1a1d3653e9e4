import { parseTokenizerJson, tokenIds, type TokenizerJson } from '../formats/tokenizer-json';
import { textConfigOf } from './architecture';
import { readConfig } from './compare-configs';
import type { ModelInput } from './model-input';
import { modelTensorsOf } from './model-tensors';

/** What a model's tokenizer and tensors say of its tokens. */
export interface ModelVocabulary {
  readonly model: ModelInput;
  readonly tokenizer: TokenizerJson;
  readonly ids: ReadonlyMap<string, number>;
  /** Tokens of this id and above have no embedding. */
  readonly rowCount: number;
}

const tokenizers = new WeakMap<ModelInput, TokenizerJson>();

/**
 * A model's `tokenizer.json`, parsed once; undefined when it has none.
 * @throws LabError `format/bad-tokenizer`, `format/too-large`
 */
export async function readTokenizer(
  model: ModelInput,
  signal?: AbortSignal,
): Promise<TokenizerJson | undefined> {
  const known = tokenizers.get(model);
  if (known !== undefined) return known;
  const file = model.files.files.get('tokenizer.json');
  if (file === undefined) return undefined;
  const bytes = await file.read(0, file.sizeBytes, signal);
  const tokenizer = parseTokenizerJson(bytes, `${model.id}/tokenizer.json`);
  tokenizers.set(model, tokenizer);
  return tokenizer;
}

/** @param tokenizer the model's own, or the base's for a model that has none */
export async function vocabularyOf(
  model: ModelInput,
  tokenizer: TokenizerJson,
  signal?: AbortSignal,
): Promise<ModelVocabulary> {
  const config = await readConfig(model, signal);
  const { embedding, ownHead } = modelTensorsOf(model, config);
  const said = config?.['vocab_size'] ?? (config && textConfigOf(config)?.['vocab_size']);
  const rowCounts = [embedding?.shape[0], ownHead?.shape[0], said].filter(
    (count) => typeof count === 'number',
  );
  return { model, tokenizer, ids: tokenIds(tokenizer), rowCount: Math.min(...rowCounts) };
}
