import { isAbort } from '../../core/errors';
import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { Collection, Lab, Slot } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import type { Problems } from './problems.svelte';
import type { ScoreBoard, Selection } from './score-board.svelte';

/** One model on one domain: small enough that little is lost when a slider moves. */
interface Unit {
  readonly slot: Slot;
  readonly domain: DomainId;
}

/** How long the page must be quiet before base and specialists are scored in the background. */
const quietMs = 700;

/** Scores base and specialists while nothing else runs, so that the merge can be compared. */
export class Comparison {
  readonly #lab: () => Lab;
  readonly #board: ScoreBoard;
  readonly #activity: Activity;
  readonly #problems: Problems;
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(lab: () => Lab, board: ScoreBoard, activity: Activity, problems: Problems) {
    this.#lab = lab;
    this.#board = board;
    this.#activity = activity;
    this.#problems = problems;
  }

  /** Starts after a pause, unless all is done. */
  schedule(collection: Collection, selection: Selection): void {
    this.pause();
    if (this.#missing(collection, selection).length === 0) return;
    this.#timer = setTimeout(() => {
      void this.#run(collection, selection);
    }, quietMs);
  }

  /** Makes way; finished units are kept. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#controller = undefined;
  }

  async #run(collection: Collection, selection: Selection): Promise<void> {
    const controller = new AbortController();
    this.#controller = controller;
    const units = this.#missing(collection, selection);
    try {
      await this.#activity.run(
        'Scoring the base and the specialists',
        async ({ signal, onProgress }) => {
          for (const [index, unit] of units.entries()) {
            onProgress?.({
              stage: `${unit.slot} on ${unit.domain}`,
              done: index,
              total: units.length,
              unit: 'items',
            });
            await this.#score(unit, selection, signal);
          }
        },
        controller.signal,
      );
    } catch (error) {
      if (!isAbort(error)) this.#problems.report(error, 'merge');
    }
  }

  async #score(unit: Unit, selection: Selection, signal: AbortSignal): Promise<void> {
    const domains = [unit.domain];
    const last = await this.#lab().evaluate(
      { slot: unit.slot, selection, domains },
      (update) => {
        if (!signal.aborted) this.#board.takeOther(selection, domains, update, false);
      },
      { signal },
    );
    signal.throwIfAborted();
    this.#board.takeOther(selection, domains, last, true);
  }

  /** What is left, most telling first: the base and each domain's own specialist. */
  #missing(collection: Collection, selection: Selection): Unit[] {
    const own = (unit: Unit): number => (unit.slot === 'base' || unit.slot === unit.domain ? 0 : 1);
    const slots: Slot[] = ['base', ...collection.specialists.map(({ id }) => id)];
    return slots
      .flatMap((slot) => domainIds.map((domain): Unit => ({ slot, domain })))
      .filter(({ slot, domain }) => !this.#board.isFinished(slot, domain, selection))
      .sort((left, right) => own(left) - own(right));
  }
}
