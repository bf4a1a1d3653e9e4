import { isAbort, sentenceOf } from '../../core/errors';
import { LatestOnly } from '../../core/abort';
import type { Recipe } from '../../recipe/recipe';
import type { Lab, PlanReport } from '../../rpc/lab';

/** How long the sliders rest before the merge is planned: after the live merge has started. */
const restMs = 250;

/** Keeps the cost sheet beside the button `Merge` up to date with the recipe in force. */
export class PlanDesk {
  report = $state.raw<PlanReport>();
  /** Why there is no plan; empty when there is one. */
  problem = $state('');
  readonly #lab: () => Lab;
  readonly #latest = new LatestOnly();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(lab: () => Lab) {
    this.#lab = lab;
  }

  /** Plans `recipe` after a pause; the newest call wins. */
  schedule(recipe: Recipe | undefined): void {
    this.stop();
    if (recipe === undefined) return;
    const signal = this.#latest.begin();
    this.#timer = setTimeout(() => {
      void this.#plan(recipe, signal);
    }, restMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#latest.cancel();
  }

  async #plan(recipe: Recipe, signal: AbortSignal): Promise<void> {
    try {
      const report = await this.#lab().plan(recipe, { signal });
      if (signal.aborted) return;
      this.report = report;
      this.problem = '';
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      this.report = undefined;
      this.problem = sentenceOf(error);
    }
  }
}
