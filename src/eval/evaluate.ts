import { invariant } from '../core/errors';
import { answerQuestion, itemResult, type AnsweredQuestion, type ItemResult } from './item-result';
import type { EvalItem, ItemQuestion } from './items';
import { pythonSourceOf, scorePythonOutcome } from './python/python-reply';
import type { PythonSandbox } from './python/python-sandbox';
import { ScoreKeeper, type DomainScore } from './score-keeper';
import { scoreReply } from './scorers/score-reply';
import { planRounds } from './select-items';
import type { TextGenerator } from './text-generator';

/** Longest reply asked for; the longest correct reply of the zoo's items has about 40 tokens. */
export const defaultMaxNewTokens = 48;

export interface EvaluateOptions {
  /** The items to score: all of them for a full pass, `selectQuick` of them for a quick one. */
  readonly items: readonly EvalItem[];
  /** Decides the order of items; the result of a whole pass does not depend on it. */
  readonly seed: number;
  /** Runs the code of coding items. Needed only when there are any. */
  readonly python?: Pick<PythonSandbox, 'run'> | undefined;
  /** Results of an earlier pass of the same model by item id; their items are not asked again. */
  readonly known?: ReadonlyMap<string, ItemResult> | undefined;
  readonly maxNewTokens?: number;
  /** Most prompts given to the generator at once; 32 unless given. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface EvaluationUpdate {
  /** Results since the update before. */
  readonly newItems: readonly ItemResult[];
  /** Scores over all results so far; domains without any are left out. */
  readonly scores: readonly DomainScore[];
  readonly doneCount: number;
  readonly totalCount: number;
  readonly elapsedMs: number;
}

/**
 * Scores a model on items and yields an update whenever there are new results.
 *
 * Rounds of growing size go through all domains (`planRounds`), so the first update comes after one
 * item of each, and every later one refines all. Inside a round, prompts of similar length share a
 * batch. Code is judged beside the generation, which does not wait for it; the last updates may
 * bring results of code alone.
 *
 * @throws the signal's reason after an abort; whatever the generator throws; LabError
 *   `eval/python-failed` when Python cannot be loaded, after everything else has been scored
 */
export async function* evaluate(
  generator: TextGenerator,
  options: EvaluateOptions,
): AsyncGenerator<EvaluationUpdate, void, undefined> {
  const startMs = performance.now();
  const ended = new AbortController();
  const signal =
    options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
  const keeper = new ScoreKeeper();
  const judged: ItemResult[] = [];
  const judging = new CodeJudging();
  const update = (): EvaluationUpdate => {
    const newItems = judged.splice(0);
    for (const result of newItems) keeper.add(result);
    return {
      newItems,
      scores: keeper.scores(),
      doneCount: keeper.doneCount,
      totalCount: options.items.length,
      elapsedMs: performance.now() - startMs,
    };
  };
  try {
    judged.push(...options.items.flatMap((item) => options.known?.get(item.id) ?? []));
    if (judged.length > 0) yield update();
    const open = options.items.filter((item) => options.known?.has(item.id) !== true);
    for (const round of planRounds(open, options.seed)) {
      for (const batch of batchesOf(round, options.batchSize ?? 32)) {
        signal.throwIfAborted();
        const questions = batch.flatMap(questionsOf);
        const replies = await generator.generateBatch(
          questions.map((question) => question.prompt),
          { maxNewTokens: options.maxNewTokens ?? defaultMaxNewTokens, signal },
        );
        signal.throwIfAborted();
        invariant(replies.length === questions.length, 'the generator left prompts unanswered');
        const replyTo = new Map(questions.map((question, i) => [question, replies[i]?.text ?? '']));
        for (const item of batch) if (!isCode(item)) judged.push(judgeAtOnce(item, replyTo));
        judging.start(batch.filter(isCode), replyTo, options.python, signal, judged);
        if (judged.length > 0) yield update();
      }
    }
    while (await judging.next()) {
      signal.throwIfAborted();
      if (judged.length > 0) yield update();
    }
    signal.throwIfAborted();
    judging.throwFailure();
  } finally {
    // A consumer that stops early leaves no code running for it.
    ended.abort();
  }
}

/** The code of several batches on its way through the sandbox. */
class CodeJudging {
  readonly #pending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** Sends the items' code to the sandbox; results go to `judged` when they are there. */
  start(
    items: readonly EvalItem[],
    replyTo: ReadonlyMap<ItemQuestion, string>,
    python: Pick<PythonSandbox, 'run'> | undefined,
    signal: AbortSignal,
    judged: ItemResult[],
  ): void {
    if (items.length === 0) return;
    invariant(python !== undefined, 'coding items need a Python sandbox');
    const run = judgeCode(items, replyTo, python, signal).then(
      (results) => {
        judged.push(...results);
      },
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    const tracked = run.finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  /** Waits for one more batch of code; false when none is left. */
  async next(): Promise<boolean> {
    if (this.#pending.size === 0) return false;
    await Promise.race(this.#pending);
    return true;
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

async function judgeCode(
  items: readonly EvalItem[],
  replyTo: ReadonlyMap<ItemQuestion, string>,
  python: Pick<PythonSandbox, 'run'>,
  signal: AbortSignal,
): Promise<ItemResult[]> {
  const programs = items.map((item) => ({
    item,
    reply: replyTo.get(item) ?? '',
    tests: item.check.type === 'python' ? item.check.tests : [],
  }));
  const outcomes = await python.run(
    programs.map(({ reply, tests }) => ({ source: pythonSourceOf(reply), tests })),
    { signal },
  );
  return programs.map(({ item, reply, tests }, index) => {
    const outcome = outcomes[index];
    invariant(outcome !== undefined, 'the sandbox left a program unjudged');
    const verdict = scorePythonOutcome(outcome, tests.length);
    return itemResult(item, answerQuestion(item, reply, verdict), undefined);
  });
}

function isCode(item: EvalItem): boolean {
  return item.check.type === 'python';
}

/** The prompts of an item: its own and its partner's. */
function questionsOf(item: EvalItem): ItemQuestion[] {
  return item.partner === undefined ? [item] : [item, item.partner];
}

function judgeAtOnce(item: EvalItem, replyTo: ReadonlyMap<ItemQuestion, string>): ItemResult {
  const answer = (question: ItemQuestion): AnsweredQuestion => {
    const reply = replyTo.get(question) ?? '';
    return answerQuestion(question, reply, scoreReply(question.check, reply));
  };
  return itemResult(
    item,
    answer(item),
    item.partner === undefined ? undefined : answer(item.partner),
  );
}

/**
 * Cuts a round into batches of at most `size` prompts (more only for a single item with a partner),
 * items of similar length together. The answer's length is the better guide to the time a row
 * takes, as prompts are read in one step and replies token by token.
 */
function batchesOf(round: readonly EvalItem[], size: number): EvalItem[][] {
  const costOf = (item: EvalItem): number =>
    Math.max(...questionsOf(item).map(({ prompt, answer }) => prompt.length + 4 * answer.length));
  const batches: EvalItem[][] = [];
  let current: EvalItem[] = [];
  let promptCount = 0;
  for (const item of [...round].sort((a, b) => costOf(a) - costOf(b))) {
    const itemPrompts = questionsOf(item).length;
    if (current.length > 0 && promptCount + itemPrompts > size) {
      batches.push(current);
      current = [];
      promptCount = 0;
    }
    current.push(item);
    promptCount += itemPrompts;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
