import type { DomainShares } from '../../eval/metrics';
import type { DomainId } from '../../eval/tasks/task';
import type {
  DomainScore,
  EvaluationRequest,
  EvaluationUpdate,
  ItemReport,
  Slot,
} from '../../rpc/lab';

export type Selection = EvaluationRequest['selection'];

/** The scores of one model on one item set. */
export interface ScoreSheet {
  readonly selection: Selection;
  readonly scores: Readonly<Partial<Record<DomainId, DomainScore>>>;
  readonly items: readonly ItemReport[];
  /** Domains whose items have all been run. */
  readonly finished: readonly DomainId[];
  readonly fromStore: boolean;
  /** How it was run; empty until something was. */
  readonly dtype: string;
  readonly seed: number;
  readonly elapsedMs: number;
}

const emptySheet = (selection: Selection): ScoreSheet => ({
  selection,
  scores: {},
  items: [],
  finished: [],
  fromStore: false,
  dtype: '',
  seed: 0,
  elapsedMs: 0,
});

/**
 * Scores of every slot. While the merge is scored again, the rows not reached yet keep the numbers
 * of the merge before as a shadow, marked as outdated by their absence from `freshDomains`.
 */
export class ScoreBoard {
  merge = $state.raw<ScoreSheet>(emptySheet('quick'));
  /** Domains of the merge whose numbers belong to the current merge. */
  freshDomains = $state.raw<readonly DomainId[]>([]);
  #others = $state.raw<Readonly<Record<string, ScoreSheet>>>({});

  /** The sheet of a base or specialist on one item set. */
  sheetOf(slot: Slot, selection: Selection): ScoreSheet | undefined {
    return this.#others[keyOf(slot, selection)];
  }

  /**
   * A model's score for comparison with the merge: on the merge's item set if it was run there,
   * else on the other one.
   */
  scoreBeside(slot: Slot, domain: DomainId): DomainScore | undefined {
    const { selection } = this.merge;
    const otherSelection = selection === 'quick' ? 'full' : 'quick';
    return (
      this.sheetOf(slot, selection)?.scores[domain] ??
      this.sheetOf(slot, otherSelection)?.scores[domain]
    );
  }

  isFinished(slot: Slot, domain: DomainId, selection: Selection): boolean {
    return this.sheetOf(slot, selection)?.finished.includes(domain) ?? false;
  }

  /**
   * Shares of items that a base or specialist passed, of domains whose items have all been run: parts
   * of them are no measure for a merge.
   */
  finishedShares(slot: Slot, selection: Selection): DomainShares {
    const { finished = [], scores = {} } = this.sheetOf(slot, selection) ?? {};
    return Object.fromEntries(
      finished.flatMap((domain) => {
        const share = scores[domain]?.score01;
        return share === undefined ? [] : [[domain, share] as const];
      }),
    );
  }

  /** The merge changed: its numbers stay as a shadow until new ones arrive. */
  outdateMerge(): void {
    if (this.freshDomains.length > 0) this.freshDomains = [];
  }

  /** Starts the merge's sheet over, keeping its numbers as a shadow. */
  beginMerge(selection: Selection): void {
    this.outdateMerge();
    this.merge = { ...emptySheet(selection), scores: this.merge.scores };
  }

  /** Takes in what an evaluation of the merge reports. */
  takeMerge(domains: readonly DomainId[], update: EvaluationUpdate, isLast: boolean): void {
    this.merge = grown(this.merge, domains, update, isLast);
    const reached = update.scores.filter(({ itemCount }) => itemCount > 0);
    this.freshDomains = withDomains(
      this.freshDomains,
      reached.map(({ domain }) => domain),
    );
  }

  /** Takes in what an evaluation of a base or specialist reports. */
  takeOther(
    selection: Selection,
    domains: readonly DomainId[],
    update: EvaluationUpdate,
    isLast: boolean,
  ): void {
    const key = keyOf(update.slot, selection);
    const sheet = this.#others[key] ?? emptySheet(selection);
    this.#others = { ...this.#others, [key]: grown(sheet, domains, update, isLast) };
  }

  clear(): void {
    this.merge = emptySheet('quick');
    this.freshDomains = [];
    this.#others = {};
  }
}

function keyOf(slot: Slot, selection: Selection): string {
  return `${selection}|${slot}`;
}

function grown(
  sheet: ScoreSheet,
  domains: readonly DomainId[],
  update: EvaluationUpdate,
  isLast: boolean,
): ScoreSheet {
  const reached = update.scores.filter(({ itemCount }) => itemCount > 0);
  return {
    selection: sheet.selection,
    scores: {
      ...sheet.scores,
      ...Object.fromEntries(reached.map((score) => [score.domain, score])),
    },
    items: withItems(sheet.items, update.newItems),
    finished: isLast ? withDomains(sheet.finished, domains) : sheet.finished,
    fromStore: update.fromStore,
    dtype: update.dtype,
    seed: update.seed,
    elapsedMs: update.elapsedMs,
  };
}

function withDomains(known: readonly DomainId[], added: readonly DomainId[]): readonly DomainId[] {
  return [...known, ...added.filter((domain) => !known.includes(domain))];
}

/** Appends new reports; one that was reported before is replaced, as after a resumed run. */
function withItems(
  items: readonly ItemReport[],
  newItems: readonly ItemReport[],
): readonly ItemReport[] {
  if (newItems.length === 0) return items;
  const incoming = new Set(newItems.map(({ id }) => id));
  return [...items.filter(({ id }) => !incoming.has(id)), ...newItems];
}
