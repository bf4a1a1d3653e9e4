import { isAbort } from '../../core/errors';
import type { Collection, Lab } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import type { Problems } from './problems.svelte';
import type { ScoreBoard, Selection } from './score-board.svelte';
import { missingUnits, scoreUnit } from './score-unit';

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
    if (missingUnits(collection, this.#board, selection).length === 0) return;
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
    const units = missingUnits(collection, this.#board, selection);
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
            await scoreUnit(this.#lab(), this.#board, unit, selection, signal);
          }
        },
        controller.signal,
      );
    } catch (error) {
      if (!isAbort(error)) this.#problems.report(error, 'merge');
    }
  }
}
