import { invariant } from '../core/errors';
import type { Reduction, ReductionTotal } from '../expr/reduction';
import type { MethodNumbers } from './method';

/** Runs reductions over the weights; `extra` holds lists that only these reductions read. */
export type RunReductions = (
  reductions: readonly Reduction[],
  extra: MethodNumbers['perModel'],
) => Promise<readonly ReductionTotal[]>;

/** Makes a run answer what several searches ask of it at the same time together. */
export type ShareRun = (run: RunReductions) => RunReductions;

interface Question {
  readonly run: RunReductions;
  readonly reductions: readonly Reduction[];
  readonly extra: MethodNumbers['perModel'];
  readonly resolve: (totals: readonly ReductionTotal[]) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Lets searches over the same weights go on side by side: each waits until all others have asked
 * something or ended, then one pass over the weights answers every question. Equal reductions are
 * evaluated once; lists of `extra` need different names in different searches.
 * @param search the search of a number from 0 to `count` - 1; its runs must all be shared
 * @returns what the searches found; the first failure is thrown when all have ended
 */
export async function inLockstep<T>(
  count: number,
  search: (index: number, share: ShareRun) => Promise<T>,
): Promise<T[]> {
  let activeCount = count;
  let waiting: Question[] = [];
  const answer = (): void => {
    if (activeCount === 0 || waiting.length < activeCount) return;
    const asked = waiting;
    waiting = [];
    void answerAll(asked);
  };
  const share: ShareRun = (run) => async (reductions, extra) =>
    new Promise((resolve, reject) => {
      waiting.push({ run, reductions, extra, resolve, reject });
      answer();
    });
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, async (_, index) => {
      try {
        return await search(index, share);
      } finally {
        activeCount -= 1;
        answer();
      }
    }),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/** One run after the other; never rejects. */
async function answerAll(asked: readonly Question[]): Promise<void> {
  for (const run of new Set(asked.map((question) => question.run))) {
    const together = asked.filter((question) => question.run === run);
    const reductions = [...new Set(together.flatMap((question) => question.reductions))];
    const extra = Object.assign(
      {},
      ...together.map((question) => question.extra),
    ) as Question['extra'];
    try {
      const totals = await run(reductions, extra);
      for (const question of together) {
        question.resolve(
          question.reductions.map((reduction) => {
            const total = totals[reductions.indexOf(reduction)];
            invariant(total, 'every reduction has a total');
            return total;
          }),
        );
      }
    } catch (error) {
      for (const question of together) question.reject(error);
    }
  }
}
