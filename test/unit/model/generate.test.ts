import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { generateGreedy, type TokenReply } from '../../../src/model/batch-generator';
import { greedyToken } from '../../../src/model/check-logits';
import type { DecoderSession } from '../../../src/model/decoder-session';
import { scoreContinuations, sequenceLogits } from '../../../src/model/score-tokens';
import { TokenSampler } from '../../../src/model/token-sampler';
import { openSession } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';

const vocabulary = tinyConfig.vocab_size;
const shapes = tensorShapes(tinyConfig);
const random = new Random(21);
const prompts = Array.from({ length: 41 }, () =>
  Array.from({ length: random.integer(1, 20) }, () => random.integer(3, vocabulary - 1)),
);

let session: DecoderSession;
beforeAll(async () => {
  session = await openSession(tinyConfig, readerOf('tiny', tinyWeights(tinyConfig, 1), shapes));
}, 60_000);
afterAll(async () => {
  await session.retire();
});

/** Greedy continuation by whole runs without a cache: slow, and nothing to go wrong. */
async function plainGreedy(prompt: readonly number[], count: number): Promise<number[]> {
  const tokens = [...prompt];
  for (let step = 0; step < count; step++) {
    const logits = await sequenceLogits(session, tokens, 'tiny');
    tokens.push(greedyToken(logits, tokens.length - 1, vocabulary, 'tiny'));
  }
  return tokens.slice(prompt.length);
}

describe('generateGreedy', () => {
  const options = { maxNewTokens: 12, eosTokenIds: [] as number[], label: 'tiny' };

  it('gives each prompt of a mixed batch what it gets alone, and alone what whole runs give', async () => {
    const together = await generateGreedy(session, prompts, options);
    for (const [index, prompt] of prompts.entries()) {
      const [alone] = await generateGreedy(session, [prompt], options);
      expect(together[index]).toEqual(alone);
    }
    for (const index of [0, 7, 19]) {
      expect(together[index]?.tokens).toEqual(await plainGreedy(prompts[index] ?? [], 12));
    }
  });

  it('ends rows at their own end tokens while others go on', async () => {
    const free = await generateGreedy(session, prompts, options);
    // Tokens that occur in the replies, so that many rows end and at different steps.
    const eosTokenIds = [free[0]?.tokens[4] ?? 0, free[1]?.tokens[1] ?? 0, free[2]?.tokens[0] ?? 0];
    const ended = await generateGreedy(session, prompts, { ...options, eosTokenIds });
    const expected = free.map(({ tokens }): TokenReply => {
      const end = tokens.findIndex((token) => eosTokenIds.includes(token));
      return end < 0
        ? { tokens, stoppedBy: 'length' }
        : { tokens: tokens.slice(0, end), stoppedBy: 'end' };
    });
    expect(ended).toEqual(expected);
    expect(new Set(ended.map((reply) => reply.tokens.length)).size).toBeGreaterThan(2);
  });

  it('stops where the context is full', async () => {
    const long = Array.from({ length: 60 }, (_, index) => 3 + index);
    const [reply] = await generateGreedy(session, [long], options);
    expect(reply).toMatchObject({ stoppedBy: 'length' });
    // 64 positions hold 60 tokens and 4 new ones; the fifth is predicted but not read.
    expect(reply?.tokens).toHaveLength(5);
    const tooLong = [...long, 1, 2, 3, 4, 5];
    await expect(generateGreedy(session, [tooLong], options)).rejects.toMatchObject({
      code: 'model/run-failed',
      message: expect.stringContaining('at most 64') as string,
    });
  });

  it('gives nothing for nothing and stops when aborted', async () => {
    expect(await generateGreedy(session, [], options)).toEqual([]);
    const controller = new AbortController();
    const reason = new Error('newer work');
    const waiting = generateGreedy(session, prompts, {
      ...options,
      maxNewTokens: 40,
      signal: controller.signal,
    });
    setTimeout(() => {
      controller.abort(reason);
    }, 5);
    await expect(waiting).rejects.toBe(reason);
  });

  it('reports weights that give no usable logits', async () => {
    for (const value of [NaN, Infinity, 0]) {
      const weights = tinyWeights(tinyConfig, 1);
      weights.get('model.norm.weight')?.fill(value);
      const broken = await openSession(tinyConfig, readerOf('broken', weights, shapes));
      await expect(
        generateGreedy(broken, prompts, { ...options, label: 'broken' }),
      ).rejects.toMatchObject({ code: 'model/bad-output' });
      await broken.retire();
    }
  });
});

describe('scoreContinuations', () => {
  it('equals log softmax over whole runs, in any order and batch', async () => {
    const items = prompts.map((prompt, index) => ({
      context: prompt,
      continuation: (prompts[(index + 1) % prompts.length] ?? []).slice(0, 3),
    }));
    const scores = await scoreContinuations(session, items, 'tiny');
    for (const index of [0, 3, 40]) {
      const { context = [], continuation = [] } = items[index] ?? {};
      const logits = await sequenceLogits(session, [...context, ...continuation], 'tiny');
      let expected = 0;
      for (const [at, token] of continuation.entries()) {
        const start = (context.length - 1 + at) * vocabulary;
        const row = [...logits.subarray(start, start + vocabulary)];
        const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
        expected += (row[token] ?? NaN) - Math.log(total);
      }
      // Logits are float32 of size up to 6, so each of three terms is good to 1e-6.
      expect(scores[index]?.logLikelihood).toBeCloseTo(expected, 4);
    }
  });

  it('knows a greedy continuation', async () => {
    const context = prompts[4] ?? [];
    const continuation = await plainGreedy(context, 4);
    const other = continuation.with(2, ((continuation[2] ?? 0) + 1) % vocabulary);
    const scores = await scoreContinuations(
      session,
      [
        { context, continuation },
        { context, continuation: other },
      ],
      'tiny',
    );
    expect(scores.map((score) => score.isGreedy)).toEqual([true, false]);
  });
});

describe('TokenSampler', () => {
  const logits = Float32Array.of(0, 2, 1, -50, 2);

  function counts(options: { temperature: number; topP: number }): number[] {
    const sampler = new TokenSampler({ ...options, seed: 9 });
    const found = [0, 0, 0, 0, 0];
    for (let draw = 0; draw < 4000; draw++) {
      const token = sampler.draw(logits);
      found[token] = (found[token] ?? 0) + 1;
    }
    return found;
  }

  it('draws in proportion to exp(logit / temperature)', () => {
    const total = 1 + 2 * Math.exp(2) + Math.E + Math.exp(-50);
    const found = counts({ temperature: 1, topP: 1 });
    // Four standard errors of a share at 4000 draws are at most 0.032.
    expect((found[1] ?? 0) / 4000).toBeCloseTo(Math.exp(2) / total, 1);
    expect(Math.abs((found[2] ?? 0) / 4000 - Math.E / total)).toBeLessThan(0.032);
    expect(found[3]).toBe(0);
  });

  it('leaves out what lies beyond the nucleus', () => {
    // The two tokens of logit 2 hold 80 % of the weight.
    const found = counts({ temperature: 1, topP: 0.79 });
    expect([found[0], found[2], found[3]]).toEqual([0, 0, 0]);
    expect(Math.min(found[1] ?? 0, found[4] ?? 0)).toBeGreaterThan(1800);
  });

  it('takes the first of the most likely tokens at temperature 0', () => {
    expect(counts({ temperature: 0, topP: 1 })).toEqual([0, 4000, 0, 0, 0]);
  });

  it('repeats itself for the same seed', () => {
    const one = new TokenSampler({ temperature: 2, topP: 1, seed: 4 });
    const two = new TokenSampler({ temperature: 2, topP: 1, seed: 4 });
    const draws = Array.from({ length: 50 }, () => [one.draw(logits), two.draw(logits)]);
    expect(draws.every(([a, b]) => a === b)).toBe(true);
  });
});
