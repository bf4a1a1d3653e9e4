import { isJsonObject, parseJsonObject, type JsonObject } from '../formats/bounded-json';
import { formatTokenizerJson, type TokenizerJson } from '../formats/tokenizer-json';
import type { ModelFile, ModelFiles } from '../sources/model-files';

export const tokenizerConfigName = 'tokenizer_config.json';
export const templateFileName = 'chat_template.jinja';
const configLimits = { maxSizeBytes: 16_000_000, maxDepth: 32 };

/** Files that belong to a tokenizer and say nothing of the vocabulary. */
const textFiles = [
  tokenizerConfigName,
  'special_tokens_map.json',
  templateFileName,
  'chat_template.json',
];
/** Older forms of the vocabulary, which `tokenizer.json` replaces. */
const slowFiles = ['tokenizer.model', 'added_tokens.json', 'vocab.json', 'merges.txt'];

/**
 * What to change in a model's folder so that it holds `tokenizer` in the place of its own: all files
 * of the tokenizer's model as they are; or, when tokens were added or taken away, a new
 * `tokenizer.json` with the settings beside it and without the older forms, which mergekit does not
 * write either.
 *
 * @param source the folder that `tokenizer` came from
 * @param original what it holds; the same object when nothing was changed
 */
export async function tokenizerFiles(
  tokenizer: TokenizerJson,
  source: ModelFiles,
  original: TokenizerJson,
  signal?: AbortSignal,
): Promise<Map<string, string | ModelFile | undefined>> {
  const isChanged = tokenizer !== original;
  const changes = new Map<string, string | ModelFile | undefined>();
  for (const path of textFiles) changes.set(path, source.files.get(path));
  for (const path of slowFiles) changes.set(path, isChanged ? undefined : source.files.get(path));
  changes.set(
    'tokenizer.json',
    isChanged ? formatTokenizerJson(tokenizer) : source.files.get('tokenizer.json'),
  );
  const config = await readTokenizerConfig(source, signal);
  if (isChanged && isJsonObject(config?.['added_tokens_decoder'])) {
    // transformers 4 adds what stands here to the tokenizer, so it must say the same.
    const decoder = Object.fromEntries(
      tokenizer.addedTokens.map(({ id, content, flags }) => [String(id), { content, ...flags }]),
    );
    const changed = { ...config, added_tokens_decoder: decoder };
    changes.set(tokenizerConfigName, `${JSON.stringify(changed, null, 2)}\n`);
  }
  return changes;
}

/**
 * `tokenizer_config.json`; undefined when there is none.
 * @throws LabError `format/bad-tokenizer`, `format/too-large`
 */
export async function readTokenizerConfig(
  files: ModelFiles,
  signal?: AbortSignal,
): Promise<JsonObject | undefined> {
  const file = files.files.get(tokenizerConfigName);
  if (file === undefined) return undefined;
  const bytes = await file.read(0, Math.min(file.sizeBytes, configLimits.maxSizeBytes + 1), signal);
  const fileName = `${files.label}/${tokenizerConfigName}`;
  return parseJsonObject(bytes, fileName, 'format/bad-tokenizer', configLimits);
}
