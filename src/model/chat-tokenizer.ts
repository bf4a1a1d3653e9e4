import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { LabError, sentenceOf } from '../core/errors';
import type { ModelTexts } from './model-texts';
import type { TransformersModule } from './transformers-runtime';

/** Text to tokens and back by a model's own tokenizer and chat template. */
export class ChatTokenizer {
  /** The transformers.js tokenizer, for its `TextStreamer`. */
  readonly inner: PreTrainedTokenizer;
  readonly #label: string;

  /**
   * @param texts `tokenizer.json` is required; `tokenizer_config.json` and `chat_template.jinja` are
   *   used when there
   * @throws LabError `source/missing-file`, `format/bad-tokenizer`
   */
  constructor(transformers: TransformersModule, texts: ModelTexts, label: string) {
    this.#label = label;
    const json = texts.get('tokenizer.json');
    if (json === undefined) {
      throw new LabError(
        'source/missing-file',
        `${label} has no tokenizer.json; add the file to its folder.`,
        { details: { file: 'tokenizer.json' } },
      );
    }
    try {
      const config: Record<string, unknown> = JSON.parse(
        texts.get('tokenizer_config.json') ?? '{}',
      ) as Record<string, unknown>;
      const template = texts.get('chat_template.jinja') ?? config['chat_template'];
      // Python's transformers 5 no longer removes spaces before punctuation unless told to.
      const cleanUp = config['clean_up_tokenization_spaces'] ?? false;
      this.inner = new transformers.PreTrainedTokenizer(JSON.parse(json) as object, {
        ...config,
        clean_up_tokenization_spaces: cleanUp,
        ...(template === undefined ? {} : { chat_template: template }),
      });
    } catch (cause) {
      throw new LabError(
        'format/bad-tokenizer',
        `The tokenizer of ${label} could not be read: ${sentenceOf(cause)}. Check tokenizer.json and tokenizer_config.json.`,
        { cause },
      );
    }
  }

  /** Token ids of a text; `addSpecial` lets the tokenizer add what it adds by itself. */
  encode(text: string, addSpecial = true): number[] {
    return this.inner.encode(text, { add_special_tokens: addSpecial });
  }

  /** The text of token ids without special tokens; '' for none. */
  decode(tokens: readonly number[]): string {
    if (tokens.length === 0) return '';
    return this.inner.decode([...tokens], { skip_special_tokens: true });
  }

  /** Tokens of one message as a model trained on chats expects it, ready for its reply. */
  encodePrompt(prompt: string): number[] {
    const text = this.promptText(prompt);
    const tokens = text === undefined ? this.encode(prompt) : this.encode(text, false);
    if (tokens.length > 0) return tokens;
    throw new LabError('model/run-failed', 'The prompt is empty; write at least one character.');
  }

  /**
   * The chat template filled with one user message; `undefined` when the model has no template.
   * @throws LabError `format/bad-tokenizer` when the template cannot be filled
   */
  promptText(prompt: string): string | undefined {
    if (this.inner.chat_template === null) return undefined;
    try {
      const text: unknown = this.inner.apply_chat_template([{ role: 'user', content: prompt }], {
        add_generation_prompt: true,
        tokenize: false,
      });
      return String(text);
    } catch (cause) {
      throw new LabError(
        'format/bad-tokenizer',
        `The chat template of ${this.#label} could not be filled: ${sentenceOf(cause)}. Check chat_template in tokenizer_config.json.`,
        { cause },
      );
    }
  }
}
