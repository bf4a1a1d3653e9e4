import { describe, expect, it } from 'vitest';
import { scoredDomains } from '../../../src/eval/metrics';
import { domainIds, type DomainId } from '../../../src/eval/tasks/task';
import type { EvaluationUpdate } from '../../../src/rpc/lab';
import { ScoreBoard } from '../../../src/app/state/score-board.svelte';
import { summaryOf } from '../../../src/app/state/summary';

/** `passedCount` of `itemCount` items passed in each of the domains. */
function update(
  slot: string,
  domains: readonly DomainId[],
  passedCount: number,
  itemCount: number,
): EvaluationUpdate {
  const score01 = passedCount / itemCount;
  return {
    ...{ slot, dtype: 'fp32', seed: 1, newItems: [], fromStore: false, elapsedMs: 1 },
    scores: domains.map((domain) => ({
      ...{ domain, passedCount, itemCount, score01, low01: score01, high01: score01 },
    })),
    doneCount: itemCount,
    totalCount: itemCount,
  };
}

describe('summaryOf', () => {
  it('waits until base and specialists have run all items of what it compares with', () => {
    const board = new ScoreBoard();
    board.takeMerge(domainIds, update('merge', domainIds, 6, 16), true);
    for (const domain of scoredDomains) {
      board.takeOther('quick', [domain], update(domain, [domain], 1, 1), false);
    }
    board.takeOther('quick', ['general'], update('base', ['general'], 1, 1), false);
    expect(summaryOf(board)).toMatchObject({ mean01: 0.375, normalised: undefined });
    expect(summaryOf(board).generalChange01).toBeUndefined();

    for (const domain of scoredDomains) {
      board.takeOther('quick', [domain], update(domain, [domain], 12, 16), true);
    }
    board.takeOther('quick', ['general'], update('base', ['general'], 8, 16), true);
    expect(summaryOf(board)).toMatchObject({ normalised: 0.5, generalChange01: -0.125 });
  });
});
