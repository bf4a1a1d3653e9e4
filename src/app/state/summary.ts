import { mergeMetrics, scoredDomains, type DomainShares } from '../../eval/metrics';
import { domainIds } from '../../eval/tasks/task';
import type { ScoreBoard, ScoreSheet } from './score-board.svelte';

/** The merge in a few numbers; each is undefined until everything it needs was measured. */
export interface ScoreSummary {
  /** Whether all numbers of the merge belong to the current merge. */
  readonly isFresh: boolean;
  readonly mean01: number | undefined;
  readonly normalised: number | undefined;
  /** Share of the specialists' gain over the base that the merge keeps. */
  readonly kept: number | undefined;
  /** Merge minus base on general items; negative is forgetting. */
  readonly generalChange01: number | undefined;
}

export function summaryOf(board: ScoreBoard): ScoreSummary {
  const { merge } = board;
  // Only scores over the merge's own item set are comparable with it.
  const own = scoredDomains.map((domain) => {
    const share = board.finishedShares(domain, merge.selection)[domain];
    return [domain, share] as const;
  });
  const specialists: DomainShares = Object.fromEntries(
    own.filter(([, share]) => share !== undefined),
  );
  const base = board.finishedShares('base', merge.selection);
  const metrics = mergeMetrics(sharesOf(merge), base, specialists);
  const isComplete = scoredDomains.every(
    (domain) => base[domain] !== undefined && specialists[domain] !== undefined,
  );
  return {
    isFresh: domainIds.every((domain) => board.freshDomains.includes(domain)),
    mean01: metrics.multiTask01,
    normalised: metrics.normalised,
    kept: isComplete ? metrics.floored : undefined,
    generalChange01: metrics.forgetting01 === undefined ? undefined : -metrics.forgetting01,
  };
}

function sharesOf(sheet: ScoreSheet): DomainShares {
  return Object.fromEntries(
    domainIds.flatMap((domain) => {
      const share = sheet.scores[domain]?.score01;
      return share === undefined ? [] : [[domain, share] as const];
    }),
  );
}
