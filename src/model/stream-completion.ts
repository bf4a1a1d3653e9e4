import type { Tensor } from 'onnxruntime-web';
import { checkLogits } from './check-logits';
import type { ChatTokenizer } from './chat-tokenizer';
import { disposeCache, type DecoderSession, type KeyValueCache } from './decoder-session';
import type { OrtRuntime } from './ort-runtime';
import { nextBatch, startBatch } from './token-batch';
import { TokenSampler, type SamplingOptions } from './token-sampler';
import type { TransformersModule } from './transformers-runtime';
import { EventBreaks } from '../core/event-breaks';

export interface CompletionOptions extends SamplingOptions {
  readonly maxNewTokens: number;
  readonly eosTokenIds: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Called with each new piece of text, whole words at a time. */
  readonly onText?: ((piece: string) => void) | undefined;
}

export interface Completion {
  readonly text: string;
  /** New tokens, an end-of-text token included. */
  readonly tokenCount: number;
  readonly elapsedMs: number;
}

interface CompletionParts {
  readonly transformers: TransformersModule;
  readonly runtime: OrtRuntime;
  readonly session: DecoderSession;
  readonly tokenizer: ChatTokenizer;
  readonly label: string;
}

/**
 * Writes on from `promptTokens` with transformers.js: its `LlamaForCausalLM.generate` runs the loop
 * and its `TextStreamer` cuts the text into words, over our session and our cache. Only the draw is
 * ours, so that completions running side by side each keep their seed.
 *
 * @throws LabError `model/bad-output`, `model/run-failed`; the signal's reason after an abort
 */
export async function streamCompletion(
  parts: CompletionParts,
  promptTokens: readonly number[],
  options: CompletionOptions,
): Promise<Completion> {
  const { transformers, session, tokenizer } = parts;
  options.signal?.throwIfAborted();
  const startMs = performance.now();
  const adapter = new GenerateAdapter(parts, options);
  const config = new transformers.PretrainedConfig(session.config.raw);
  const model = new transformers.LlamaForCausalLM(config, { model: adapter }, {});
  const newTokens: number[] = [];
  const streamer = new transformers.TextStreamer(tokenizer.inner, {
    skip_prompt: true,
    callback_function: (piece) => {
      if (piece !== '') options.onText?.(piece);
    },
    token_callback_function: (tokens) => {
      newTokens.push(...tokens.map(Number));
    },
  });
  const ids = BigInt64Array.from(promptTokens, (token) => BigInt(token));
  try {
    await session.use(async () =>
      model.generate({
        input_ids: new transformers.Tensor('int64', ids, [1, ids.length]),
        max_new_tokens: Math.min(
          options.maxNewTokens,
          Math.max(1, session.positionCount - ids.length),
        ),
        do_sample: false,
        eos_token_id: [...options.eosTokenIds],
        streamer,
      }),
    );
  } finally {
    adapter.close();
  }
  options.signal?.throwIfAborted();
  return {
    text: tokenizer.decode(newTokens),
    tokenCount: newTokens.length,
    elapsedMs: performance.now() - startMs,
  };
}

/**
 * What `generate` sees as an inference session: tokens in, logits of the last one out. The cache
 * stays here. When a draw is asked for, every other token's logit becomes -infinity, so that the
 * greedy choice of `generate` is the token drawn.
 */
class GenerateAdapter {
  readonly inputNames = ['input_ids'];
  readonly outputNames = ['logits'];
  readonly inputMetadata = [];
  readonly #parts: CompletionParts;
  readonly #options: CompletionOptions;
  readonly #sampler: TokenSampler | undefined;
  readonly #breaks = new EventBreaks();
  #cache: KeyValueCache;
  #length = 0;

  constructor(parts: CompletionParts, options: CompletionOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#sampler = options.temperature > 0 ? new TokenSampler(options) : undefined;
    this.#cache = parts.session.emptyCache(1);
  }

  async run(feeds: { readonly input_ids: Tensor }): Promise<{ logits: Tensor }> {
    const { session, runtime, label } = this.#parts;
    await this.#breaks.pause(this.#options.signal);
    const ids = Array.from(feeds.input_ids.data as BigInt64Array, Number);
    this.#length += ids.length;
    const batch = this.#length === ids.length ? startBatch([ids]) : nextBatch(ids, [this.#length]);
    const output = await session.run(batch, this.#cache);
    this.#cache = output.cache;
    const { vocabularySize } = session.config;
    checkLogits(output.logits, vocabularySize, label);
    const drawn = this.#sampler?.draw(output.logits);
    const logits = drawn === undefined ? output.logits : only(drawn, vocabularySize);
    return { logits: new runtime.ort.Tensor('float32', logits, [1, 1, vocabularySize]) };
  }

  close(): void {
    disposeCache(this.#cache);
  }
}

function only(token: number, vocabularySize: number): Float32Array {
  const logits = new Float32Array(vocabularySize).fill(-Infinity);
  logits[token] = 0;
  return logits;
}
