import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import { checkLogits } from './check-logits';
import { disposeCache, type DecoderSession, type DecoderOutput } from './decoder-session';
import { startBatch, type TokenBatch } from './token-batch';
import { EventBreaks } from '../core/event-breaks';

/** A text in two parts: how likely is `continuation` after `context`? */
export interface TokenContinuation {
  /** Not empty; the model's first token at least. */
  readonly context: readonly number[];
  /** Not empty. */
  readonly continuation: readonly number[];
}

export interface ContinuationScore {
  /** Sum of natural log probabilities of the continuation's tokens. */
  readonly logLikelihood: number;
  /** Whether every one of its tokens is the most likely one (lm-evaluation-harness `is_greedy`). */
  readonly isGreedy: boolean;
}

/** Logits of a batch take rows · vocabulary · 4 bytes, so long texts go in smaller batches. */
const logitsBudgetBytes = 64 * 1024 * 1024;
const maxRows = 32;

/**
 * Logits after every token of one sequence, row-major `[tokens, vocabulary]`.
 * @throws LabError `model/bad-output`, `model/run-failed`
 */
export async function sequenceLogits(
  session: DecoderSession,
  tokens: readonly number[],
  label: string,
): Promise<Float32Array> {
  if (tokens.length === 0) throw emptyText(label);
  const batch = startBatch([tokens], [tokens.map((_, position) => position)]);
  const output = await runOnce(session, batch);
  checkLogits(output.logits, session.config.vocabularySize, label);
  return output.logits;
}

/**
 * Log-likelihoods of continuations, in batches padded on the right; scores come in the order given.
 * Sums are in float64 over float32 logits. Equals lm-evaluation-harness 0.4.9.1 `_loglikelihood_tokens`.
 *
 * @throws LabError `model/bad-output`, `model/run-failed`; the signal's reason after an abort
 */
export async function scoreContinuations(
  session: DecoderSession,
  items: readonly TokenContinuation[],
  label: string,
  { signal }: LongTask = {},
): Promise<ContinuationScore[]> {
  const breaks = new EventBreaks();
  const scores: ContinuationScore[] = [];
  while (scores.length < items.length) {
    await breaks.pause(signal);
    const chosen = nextItems(items, scores.length, session.config.vocabularySize);
    if (chosen.some((item) => item.context.length === 0 || item.continuation.length === 0)) {
      throw emptyText(label);
    }
    const batch = startBatch(
      // The last token of the continuation predicts nothing that is asked for.
      chosen.map((item) => [...item.context, ...item.continuation].slice(0, -1)),
      chosen.map((item) => item.continuation.map((_, at) => item.context.length - 1 + at)),
    );
    const { logits } = await runOnce(session, batch);
    checkLogits(logits, session.config.vocabularySize, label);
    scores.push(...scoreRows(chosen, logits, session.config.vocabularySize));
  }
  return scores;
}

async function runOnce(session: DecoderSession, batch: TokenBatch): Promise<DecoderOutput> {
  return session.use(async () => {
    const output = await session.run(batch, session.emptyCache(batch.batchSize));
    disposeCache(output.cache);
    return output;
  });
}

function nextItems(
  items: readonly TokenContinuation[],
  start: number,
  vocabularySize: number,
): readonly TokenContinuation[] {
  let rows = 0;
  let end = start;
  while (end < items.length && end - start < maxRows) {
    rows += items[end]?.continuation.length ?? 0;
    if (end > start && rows * vocabularySize * 4 > logitsBudgetBytes) break;
    end++;
  }
  return items.slice(start, end);
}

function scoreRows(
  items: readonly TokenContinuation[],
  logits: Float32Array,
  vocabularySize: number,
): ContinuationScore[] {
  let row = 0;
  return items.map((item) => {
    let logLikelihood = 0;
    let isGreedy = true;
    for (const token of item.continuation) {
      const values = logits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
      const own = values[token] ?? NaN;
      let highest = -Infinity;
      for (const value of values) highest = Math.max(highest, value);
      let sum = 0;
      for (const value of values) sum += Math.exp(value - highest);
      logLikelihood += own - highest - Math.log(sum);
      isGreedy &&= own === highest;
      row++;
    }
    return { logLikelihood, isGreedy };
  });
}

function emptyText(label: string): LabError {
  return new LabError(
    'model/run-failed',
    `${label} was given an empty text; write at least one character.`,
  );
}
