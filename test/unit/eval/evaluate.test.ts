import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { evaluate, type EvaluateOptions, type EvaluationUpdate } from '../../../src/eval/evaluate';
import type { ItemResult } from '../../../src/eval/item-result';
import type { EvalItem } from '../../../src/eval/items';
import { makeReport, reportCsv, scoreKey, type RunFacts } from '../../../src/eval/report';
import { domainScores } from '../../../src/eval/score-keeper';
import type { TextGenerator } from '../../../src/eval/text-generator';
import { exampleItems, TableGenerator } from './example-items';

const items = exampleItems(30).filter((item) => item.domain !== 'coding');

async function allUpdates(
  generator: TextGenerator,
  options: Partial<EvaluateOptions> & { items: readonly EvalItem[] },
): Promise<EvaluationUpdate[]> {
  const updates: EvaluationUpdate[] = [];
  for await (const update of evaluate(generator, { seed: 1, ...options })) updates.push(update);
  return updates;
}

describe('evaluate', () => {
  it('scores right replies as right, each item once', async () => {
    const updates = await allUpdates(new TableGenerator(items), { items });
    const last = updates.at(-1);
    expect(last?.doneCount).toBe(90);
    expect(
      last?.scores.map(({ domain, score01, itemCount }) => [domain, score01, itemCount]),
    ).toEqual([
      ['math', 1, 30],
      ['safety', 1, 30],
      ['general', 1, 30],
    ]);
    const results = updates.flatMap((update) => update.newItems);
    expect(new Set(results.map((result) => result.id)).size).toBe(90);
  });

  it('shows all domains after the first small batch and refines', async () => {
    const generator = new TableGenerator(items);
    const updates = await allUpdates(generator, { items });
    expect(generator.batches[0]).toHaveLength(4);
    expect(updates[0]?.scores.map((score) => score.domain)).toEqual(['math', 'safety', 'general']);
    const widths = updates.map(({ scores }) => (scores[0]?.high01 ?? 1) - (scores[0]?.low01 ?? 0));
    expect(widths.at(-1)).toBeLessThan(widths[0] ?? 0);
    expect(updates.map((update) => update.doneCount)).toEqual(
      updates.map((update) => update.doneCount).toSorted((a, b) => a - b),
    );
  });

  it('counts a safety pair only when both replies are right', async () => {
    const refusesAll = new TableGenerator(
      items,
      Object.fromEntries(
        items.flatMap((item) => (item.partner ? [[item.partner.prompt, 'I cannot help.']] : [])),
      ),
    );
    const [last] = (await allUpdates(refusesAll, { items })).slice(-1);
    expect(last?.scores.find((score) => score.domain === 'safety')).toMatchObject({
      passedCount: 0,
      itemCount: 30,
    });
    const result = (await allUpdates(refusesAll, { items }))
      .flatMap((update) => update.newItems)
      .find((entry) => entry.domain === 'safety');
    expect(result?.partner?.passed).toBe(false);
    expect(result?.reason).toMatch(/^Harmful request: The reply refuses .* Harmless look-alike: /u);
  });

  it('takes known results as they are and asks the rest', async () => {
    const half = items.slice(0, 45);
    const earlier = (await allUpdates(new TableGenerator(items), { items: half })).flatMap(
      (update) => update.newItems,
    );
    const known = new Map<string, ItemResult>(earlier.map((result) => [result.id, result]));
    const generator = new TableGenerator(items);
    const updates = await allUpdates(generator, { items, known });
    expect(updates[0]?.newItems).toHaveLength(45);
    expect(updates.at(-1)?.doneCount).toBe(90);
    const asked = new Set(generator.batches.flat());
    expect(half.some((item) => asked.has(item.prompt))).toBe(false);
    const allKnown = new Map(known);
    for (const result of updates.flatMap((update) => update.newItems)) {
      allKnown.set(result.id, result);
    }
    const idle = new TableGenerator(items);
    expect((await allUpdates(idle, { items, known: allKnown })).at(-1)?.doneCount).toBe(90);
    expect(idle.batches).toHaveLength(0);
  });

  it('gives the same scores in any order and batch size', async () => {
    const overrides = Object.fromEntries(
      items.filter((_, index) => index % 3 === 0).map((item) => [item.prompt, 'no']),
    );
    const scoresOf = async (seed: number, batchSize: number) =>
      (await allUpdates(new TableGenerator(items, overrides), { items, seed, batchSize })).at(-1)
        ?.scores;
    expect(await scoresOf(5, 1)).toEqual(await scoresOf(6, 64));
  });

  it('stops on abort with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('newer request');
    const updates: EvaluationUpdate[] = [];
    const run = async () => {
      const options = { items, seed: 1, signal: controller.signal };
      for await (const update of evaluate(new TableGenerator(items), options)) {
        updates.push(update);
        controller.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(updates).toHaveLength(1);
  });

  it('does not start when it is aborted before, and has nothing to say without items', async () => {
    const generator = new TableGenerator(items);
    await expect(
      allUpdates(generator, { items, signal: AbortSignal.abort(new Error('late')) }),
    ).rejects.toThrow('late');
    expect(generator.batches).toHaveLength(0);
    expect(await allUpdates(generator, { items: [] })).toEqual([]);
  });

  it('scores everything else before it says that Python could not be loaded', async () => {
    const withCode = exampleItems(6);
    const error = new LabError('eval/python-failed', 'Python could not be loaded.');
    const python = { run: async () => Promise.reject(error) };
    const updates: EvaluationUpdate[] = [];
    const run = async () => {
      const options = { items: withCode, seed: 1, python };
      for await (const update of evaluate(new TableGenerator(withCode), options)) {
        updates.push(update);
      }
    };
    await expect(run()).rejects.toBe(error);
    expect(updates.at(-1)?.scores.map(({ domain, itemCount }) => [domain, itemCount])).toEqual([
      ['math', 6],
      ['safety', 6],
      ['general', 6],
    ]);
  });

  it('stops the code of a reader that leaves early', async () => {
    const withCode = exampleItems(6);
    let signal: AbortSignal | undefined;
    const python = {
      run: async (_: unknown, options: { readonly signal?: AbortSignal | undefined } = {}) => {
        signal = options.signal;
        return new Promise<never>(() => undefined);
      },
    };
    const options = { items: withCode, seed: 1, python };
    for await (const update of evaluate(new TableGenerator(withCode), options)) {
      if (update.doneCount > 3) break;
    }
    expect(signal?.aborted).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['garbage', '\u0000\ud83d<|x|>'.repeat(50)],
    ['huge', 'a,1 '.repeat(250_000)],
  ])('scores %s replies as wrong in good time', async (_name, reply) => {
    const start = process.cpuUsage();
    const overrides = Object.fromEntries(
      items
        .flatMap((item) => [item, ...(item.partner ? [item.partner] : [])])
        .map((question) => [question.prompt, reply]),
    );
    const last = (await allUpdates(new TableGenerator(items, overrides), { items })).at(-1);
    expect(last?.scores.every((score) => score.score01 <= 1 / 30)).toBe(true);
    // Processor seconds; a quadratic scan of one reply would take more.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(30);
  });
});

describe('report', () => {
  const facts: RunFacts = {
    modelHash: 'abc',
    modelName: 'merge',
    itemSetHash: '0123456789abcdef',
    seed: 1,
    device: 'wasm, 2 threads',
    dtype: 'q8',
    maxNewTokens: 48,
    versions: { mergelab: '0.1.0' },
    startedAt: '2026-01-01T00:00:00Z',
    elapsedMs: 12,
  };

  it('holds facts, intervals, kinds and items, whatever their order of arrival', async () => {
    const results = (await allUpdates(new TableGenerator(items), { items })).flatMap(
      (update) => update.newItems,
    );
    const report = makeReport(facts, results);
    expect(report).toMatchObject({ ...facts, format: 'mergelab-evaluation/1' });
    expect(report.scores).toEqual(domainScores(results));
    expect(report.kinds).toHaveLength(12);
    expect(report.kinds.filter((kind) => kind.tail)).toHaveLength(3);
    expect(JSON.stringify(makeReport(facts, results.toReversed()))).toBe(JSON.stringify(report));
    expect(scoreKey(facts)).toBe('abc/0123456789abcdef/q8/48');
  });

  it('writes CSV that quotes what needs it and starts no formula', () => {
    const result: ItemResult = {
      id: 'math-1',
      domain: 'math',
      kind: 'math/x',
      tail: false,
      prompt: 'say "a, b"',
      reply: '=HYPERLINK("x")',
      expected: 'a\nb',
      passed: false,
      reason: 'no',
    };
    expect(reportCsv(makeReport(facts, [result]))).toBe(
      'id,domain,kind,tail,passed,prompt,reply,expected,reason,partner_prompt,partner_reply\r\n' +
        'math-1,math,math/x,false,false,"say ""a, b""","\'=HYPERLINK(""x"")","a\nb",no,,\r\n',
    );
  });
});
