/**
 * The small text files of a model by name: `config.json` and `tokenizer.json`, with
 * `tokenizer_config.json`, `chat_template.jinja` and `generation_config.json` where the model has
 * them.
 */
export type ModelTexts = ReadonlyMap<string, string>;

/** Names to read from a model's folder into `ModelTexts`; all but the first two may be missing. */
export const modelTextNames = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'generation_config.json',
] as const;
