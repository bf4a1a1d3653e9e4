import { mergeMetrics, scoredDomains, type DomainShares } from '../../eval/metrics';
import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { Recipe } from '../../recipe/recipe';
import type { Collection, DomainScore } from '../../rpc/lab';
import type { MethodText } from '../texts/method-text';
import { participantsOf } from './participants';
import type { ScoreBoard, Selection } from './score-board.svelte';
import { startSetup, withStartOf } from './setup';
import { recipeOf } from './setup-recipe';

/** One method in the comparison. */
export interface CompareRow {
  readonly method: MethodText;
  /** The method with the settings the page starts it with; absent where it cannot be used. */
  readonly recipe: Recipe | undefined;
  /** What is special about it here: which models it takes, or why it is left out. */
  readonly note: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'left-out';
  /** Grow while the row runs. */
  readonly scores: Readonly<Partial<Record<DomainId, DomainScore>>>;
  readonly mergeMs: number | undefined;
  readonly recipeHash: string;
  readonly device: string;
  readonly dtype: string;
  readonly seed: number;
  /** Its scores were measured on an earlier visit. */
  readonly fromStore: boolean;
  /** Why it failed. */
  readonly problem: string;
}

/** Every method as it is compared on a collection, nothing measured yet. */
export function compareRows(
  methods: readonly MethodText[],
  collection: Collection,
): readonly CompareRow[] {
  const ids = collection.specialists.map(({ id }) => id);
  return methods.map((method) => {
    const { min, max } = method.specialistCount;
    const isUsable = ids.length >= min;
    const setup = withStartOf(startSetup(collection, method.id), method.id);
    const participants = participantsOf(setup, method, ids);
    const note = max < ids.length ? `merges ${participants.join(' and ')} only` : '';
    return {
      method,
      recipe: isUsable ? recipeOf(setup, collection, method) : undefined,
      note: isUsable ? note : `left out: it needs at least ${min} specialists`,
      state: isUsable ? 'waiting' : 'left-out',
      scores: {},
      mergeMs: undefined,
      recipeHash: '',
      device: '',
      dtype: '',
      seed: 0,
      fromStore: false,
      problem: '',
    };
  });
}

/** A row beside base and specialists; undefined where something is not measured. */
export interface RowMetrics {
  /** Over the five domains. */
  readonly mean01: number | undefined;
  /** Mean over the five domains of its score over that of the domain's own specialist. */
  readonly normalised: number | undefined;
  /** The base's general score minus this one's; negative when more is known than before. */
  readonly forgetting01: number | undefined;
}

/** Only scores over the same items are compared. */
export function rowMetrics(row: CompareRow, board: ScoreBoard, selection: Selection): RowMetrics {
  const base = board.finishedShares('base', selection);
  const specialists = Object.fromEntries(
    scoredDomains.flatMap((domain) => {
      const share = board.finishedShares(domain, selection)[domain];
      return share === undefined ? [] : [[domain, share] as const];
    }),
  );
  const isWhole = row.state === 'done';
  const metrics = mergeMetrics(isWhole ? sharesOf(row.scores) : {}, base, specialists);
  const { multiTask01, normalised, forgetting01 } = metrics;
  return {
    mean01: multiTask01,
    normalised,
    forgetting01,
  };
}

function sharesOf(scores: CompareRow['scores']): DomainShares {
  return Object.fromEntries(
    domainIds.flatMap((domain) => {
      const share = scores[domain]?.score01;
      return share === undefined ? [] : [[domain, share] as const];
    }),
  );
}
