import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { Collection, Lab, Slot } from '../../rpc/lab';
import type { ScoreBoard, Selection } from './score-board.svelte';

/** One model on one domain: small enough that little is lost when a slider moves. */
export interface ScoreUnit {
  readonly slot: Slot;
  readonly domain: DomainId;
}

/** What is not scored yet of base and specialists, most telling first. */
export function missingUnits(
  collection: Collection,
  board: ScoreBoard,
  selection: Selection,
): ScoreUnit[] {
  const slots: Slot[] = ['base', ...collection.specialists.map(({ id }) => id)];
  return slots
    .flatMap((slot) => domainIds.map((domain): ScoreUnit => ({ slot, domain })))
    .filter(({ slot, domain }) => !board.isFinished(slot, domain, selection))
    .sort((left, right) => Number(isReference(right)) - Number(isReference(left)));
}

/** Whether merges are judged by it: the base, and each domain's own specialist. */
export function isReference({ slot, domain }: ScoreUnit): boolean {
  return slot === 'base' || slot === domain;
}

/** Scores one model on one domain and enters it on the board. Rejects as `evaluate`. */
export async function scoreUnit(
  lab: Lab,
  board: ScoreBoard,
  { slot, domain }: ScoreUnit,
  selection: Selection,
  signal: AbortSignal,
): Promise<void> {
  const domains = [domain];
  const last = await lab.evaluate(
    { slot, selection, domains },
    (update) => {
      if (!signal.aborted) board.takeOther(selection, domains, update, false);
    },
    { signal },
  );
  signal.throwIfAborted();
  board.takeOther(selection, domains, last, true);
}
