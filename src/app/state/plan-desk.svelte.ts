import { isAbort, sentenceOf } from '../../core/errors';
import { LatestOnly } from '../../core/abort';
import type { Lab, PlanReport, Recipes } from '../../rpc/lab';

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

  /** Plans after a pause; the newest call wins. */
  schedule(recipes: Recipes | undefined): void {
    this.stop();
    if (recipes === undefined) return;
    const signal = this.#latest.begin();
    this.#timer = setTimeout(() => {
      void this.#plan(recipes, signal);
    }, restMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#latest.cancel();
  }

  async #plan(recipes: Recipes, signal: AbortSignal): Promise<void> {
    try {
      const report = await this.#lab().plan(recipes, { signal });
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
