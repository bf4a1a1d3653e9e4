import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { ModelSummary } from '../../rpc/lab';
import type { ScoreBoard } from './score-board.svelte';

/** The merge in three numbers; each is undefined until everything it needs was measured. */
export interface ScoreSummary {
  /** Whether all numbers of the merge belong to the current merge. */
  readonly isFresh: boolean;
  readonly mean01: number | undefined;
  readonly normalised01: number | undefined;
  /** Merge minus base on general items; negative is forgetting. */
  readonly generalChange01: number | undefined;
}

const trainedDomains: readonly DomainId[] = domainIds.filter((domain) => domain !== 'general');

export function summaryOf(board: ScoreBoard, specialists: readonly ModelSummary[]): ScoreSummary {
  const { merge } = board;
  const mergeScores = trainedDomains.map((domain) => merge.scores[domain]?.score01);
  // Only scores on the merge's own item set are comparable.
  const ownScores = trainedDomains.map((domain) =>
    specialists.some(({ id }) => id === domain)
      ? board.sheetOf(domain, merge.selection)?.scores[domain]?.score01
      : undefined,
  );
  const ratios = mergeScores.map((score, index) => {
    const own = ownScores[index];
    return score === undefined || own === undefined || own === 0 ? undefined : score / own;
  });
  const general = merge.scores.general?.score01;
  const baseGeneral = board.sheetOf('base', merge.selection)?.scores.general?.score01;
  return {
    isFresh: domainIds.every((domain) => board.freshDomains.has(domain)),
    mean01: meanOf(mergeScores),
    normalised01: meanOf(ratios),
    generalChange01:
      general === undefined || baseGeneral === undefined ? undefined : general - baseGeneral,
  };
}

function meanOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  if (known.length < values.length || known.length === 0) return undefined;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
