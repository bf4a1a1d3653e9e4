import type { LongTask } from '../core/progress';
import { greedyToken } from './check-logits';
import { disposeCache, type DecoderSession, type KeyValueCache } from './decoder-session';
import { nextBatch, startBatch } from './token-batch';
import { EventBreaks } from '../core/event-breaks';

export interface TokenReply {
  /** New tokens, the end-of-text token left out. */
  readonly tokens: readonly number[];
  readonly stoppedBy: 'end' | 'length';
}

export interface GreedyOptions extends LongTask {
  /** At least 1. */
  readonly maxNewTokens: number;
  /** Tokens that end a reply. */
  readonly eosTokenIds: readonly number[];
  /** Names the model in error sentences. */
  readonly label: string;
}

/** Past this many rows a step gains nothing on two cores (measured: 0.72 s at 32, 0.74 s at 96). */
const maxRows = 32;
/**
 * Room for keys and values of one batch, so that large models use smaller batches; WebAssembly holds
 * those of two steps. In a step of a quantised model widening takes most of the time, however many rows
 * there are: with the shapes of Gemma-2-2B in 4 bits, 7 rows of 160 tokens take 13.6 s and one 11.7.
 */
const cacheBudgetBytes = 256 * 1024 * 1024;

/**
 * Greedy continuations of many prompts, in batches padded on the right. Each reply equals what the
 * prompt gives alone. Rows that end are dropped from the batch at once on the wasm provider.
 *
 * @param prompts token ids, none empty
 * @throws LabError `model/bad-output`, `model/run-failed`; the signal's reason after an abort
 */
export async function generateGreedy(
  session: DecoderSession,
  prompts: readonly (readonly number[])[],
  options: GreedyOptions,
): Promise<TokenReply[]> {
  // Neighbours in length pad each other least; replies go back to their own places.
  const order = prompts.map((_, index) => index).sort((a, b) => lengthOf(a) - lengthOf(b));
  function lengthOf(index: number): number {
    return prompts[index]?.length ?? 0;
  }
  const replies = new Array<TokenReply>(prompts.length);
  const breaks = new EventBreaks();
  for (let start = 0; start < order.length;) {
    const longest = lengthOf(order[order.length - 1] ?? 0) + options.maxNewTokens;
    const chosen = order.slice(start, start + rowsPerBatch(session, longest));
    const batch = chosen.map((index) => prompts[index] ?? []);
    const done = await session.use(async () => generateBatch(session, batch, options, breaks));
    done.forEach((reply, row) => {
      replies[chosen[row] ?? 0] = reply;
    });
    start += chosen.length;
  }
  return replies;
}

function rowsPerBatch(session: DecoderSession, tokenCount: number): number {
  const { layerCount, keyValueHeadCount, headSize } = session.config;
  const rowBytes = tokenCount * layerCount * 2 * keyValueHeadCount * headSize * 4;
  return Math.max(1, Math.min(maxRows, Math.floor(cacheBudgetBytes / rowBytes)));
}

/** A row that still writes. */
interface Writer {
  readonly row: number;
  readonly tokens: number[];
  length: number;
}

async function generateBatch(
  session: DecoderSession,
  prompts: readonly (readonly number[])[],
  options: GreedyOptions,
  breaks: EventBreaks,
): Promise<TokenReply[]> {
  const replies = new Array<TokenReply>(prompts.length);
  let writers: Writer[] = prompts.map((prompt, row) => ({
    row,
    tokens: [],
    length: prompt.length,
  }));
  let batch = startBatch(prompts);
  let cache: KeyValueCache = session.emptyCache(prompts.length);
  try {
    while (writers.length > 0) {
      await breaks.pause(options.signal);
      const output = await session.run(batch, cache);
      cache = output.cache;
      const next = writers.map((_, row) =>
        greedyToken(output.logits, row, session.config.vocabularySize, options.label),
      );
      const going = advance(writers, next, options, replies, session.positionCount);
      if (going.length === 0) break;
      if (going.length < writers.length && session.provider === 'wasm') {
        cache = session.keepRows(cache, going);
        writers = going.map((index) => writers[index] as Writer);
        batch = nextBatch(
          going.map((index) => next[index] ?? 0),
          writers.map((writer) => writer.length),
        );
      } else {
        batch = nextBatch(
          next,
          writers.map((writer) => writer.length),
        );
      }
    }
  } finally {
    disposeCache(cache);
  }
  return replies;
}

/** Appends the new tokens, files finished replies and gives the indices of rows that go on. */
function advance(
  writers: readonly Writer[],
  next: readonly number[],
  options: GreedyOptions,
  replies: TokenReply[],
  positionCount: number,
): number[] {
  const going: number[] = [];
  writers.forEach((writer, index) => {
    // A finished row that stays in a GPU batch goes over its last position again.
    if (replies[writer.row] !== undefined) return;
    writer.length++;
    const token = next[index] ?? 0;
    if (options.eosTokenIds.includes(token)) {
      replies[writer.row] = { tokens: writer.tokens, stoppedBy: 'end' };
      return;
    }
    writer.tokens.push(token);
    if (writer.tokens.length >= options.maxNewTokens || writer.length > positionCount) {
      replies[writer.row] = { tokens: writer.tokens, stoppedBy: 'length' };
      return;
    }
    going.push(index);
  });
  return going;
}
