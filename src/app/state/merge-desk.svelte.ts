import { LatestOnly } from '../../core/abort';
import { isAbort } from '../../core/errors';
import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { Lab, MergeReport, Recipes } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import type { Problems } from './problems.svelte';
import type { ScoreBoard, Selection } from './score-board.svelte';

/**
 * How long the sliders must rest before a merge starts. Key repeat and pointer events come every
 * 16-33 ms, so a drag makes one merge where it pauses, not one a pixel.
 */
const restMs = 40;

export interface MergeDeskParts {
  readonly lab: () => Lab;
  readonly board: ScoreBoard;
  readonly activity: Activity;
  readonly problems: Problems;
  /** What the sliders say now, with stages; undefined while no collection is open. */
  readonly currentRecipes: () => Recipes | undefined;
  /** Called when a merge and its scoring came to an end by themselves. */
  readonly onSettled: () => void;
}

/** Merges and scores what the sliders say: newest movement wins, older work is aborted and dropped. */
export class MergeDesk {
  report = $state.raw<MergeReport>();
  phase = $state<'idle' | 'resting' | 'merging' | 'scoring'>('idle');
  /** True while the slot `merge` does not hold what the sliders say. */
  isOutdated = $state(true);
  readonly #parts: MergeDeskParts;
  readonly #latest = new LatestOnly();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstDomain: DomainId | undefined;
  #interrupted: Selection | undefined;

  constructor(parts: MergeDeskParts) {
    this.#parts = parts;
  }

  /** The sliders moved. `nearest` is scored first: the domain whose slider it was. */
  moved(isLive: boolean, nearest?: DomainId): void {
    const { board } = this.#parts;
    clearTimeout(this.#timer);
    board.outdateMerge();
    this.isOutdated = true;
    this.#interrupted = undefined;
    this.#firstDomain = nearest;
    if (!isLive) {
      this.#latest.cancel();
      this.phase = 'idle';
      return;
    }
    const signal = this.#latest.begin();
    this.phase = 'resting';
    this.#timer = setTimeout(() => {
      void this.#mergeAndScore('quick', signal);
    }, restMs);
  }

  /** Merges now, whatever the collection's size, and scores the quick set when `alsoScore`. */
  async mergeNow(alsoScore: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#interrupted = undefined;
    this.isOutdated = true;
    await this.#mergeAndScore(alsoScore ? 'quick' : undefined, this.#latest.begin());
  }

  /** Scores the merge over `selection`, merging first when the sliders moved since. */
  async evaluateNow(selection: Selection): Promise<void> {
    clearTimeout(this.#timer);
    this.#interrupted = undefined;
    await this.#mergeAndScore(selection, this.#latest.begin());
  }

  /** Makes sure the slot `merge` holds what the sliders say; false when that did not work. */
  async ensureMerged(): Promise<boolean> {
    this.interruptScoring();
    if (this.isOutdated) await this.#mergeAndScore(undefined, this.#latest.begin());
    return !this.isOutdated;
  }

  /** Lets something more urgent run; `resumeScoring` goes on where this stopped. */
  interruptScoring(): void {
    if (this.phase === 'idle') return;
    clearTimeout(this.#timer);
    this.#interrupted = this.phase === 'scoring' ? this.#parts.board.merge.selection : 'quick';
    this.#latest.cancel();
    this.phase = 'idle';
  }

  get isInterrupted(): boolean {
    return this.#interrupted !== undefined;
  }

  async resumeScoring(): Promise<void> {
    const selection = this.#interrupted;
    if (selection === undefined) return;
    this.#interrupted = undefined;
    await this.#mergeAndScore(selection, this.#latest.begin());
  }

  /** Ends whatever runs and leaves the last whole merge in place. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#interrupted = undefined;
    this.#latest.cancel();
    this.phase = 'idle';
  }

  /** Other models are open: the last merge was not of them. */
  clear(): void {
    this.report = undefined;
  }

  async #mergeAndScore(selection: Selection | undefined, signal: AbortSignal): Promise<void> {
    const { activity, problems, onSettled } = this.#parts;
    try {
      const recalling = selection === undefined ? undefined : this.#recall(selection, signal);
      if (this.isOutdated) await this.#merge(signal);
      const isRecalled = await recalling;
      if (selection !== undefined && isRecalled !== true) await this.#score(selection, signal);
      if (signal.aborted) return;
      this.phase = 'idle';
      problems.clear('merge');
      onSettled();
    } catch (error) {
      // Whoever aborted this run has set the phase of the next one already.
      if (signal.aborted) return;
      this.phase = 'idle';
      if (isAbort(error)) activity.say('Stopped.');
      else problems.report(error, 'merge');
    }
  }

  async #merge(signal: AbortSignal): Promise<void> {
    const { lab, activity, currentRecipes } = this.#parts;
    const recipes = currentRecipes();
    if (recipes === undefined) return;
    this.phase = 'merging';
    const report = await activity.run('Merging', (task) => lab().merge(recipes, task), signal);
    signal.throwIfAborted();
    this.report = report;
    this.isOutdated = false;
  }

  /** Shows scores that were kept from before while the merge is made; says whether there were any. */
  async #recall(selection: Selection, signal: AbortSignal): Promise<boolean> {
    const { lab, board, currentRecipes } = this.#parts;
    const recipes = currentRecipes();
    if (recipes === undefined) return false;
    // Without them the merge is scored, so a failure needs no words.
    const found = await lab()
      .recallScores({ recipes, selection, domains: domainIds }, { signal })
      .catch(() => undefined);
    if (found === undefined || signal.aborted) return false;
    board.beginMerge(selection);
    board.takeMerge(domainIds, found, true);
    return true;
  }

  async #score(selection: Selection, signal: AbortSignal): Promise<void> {
    const { lab, board, activity } = this.#parts;
    this.phase = 'scoring';
    const first = this.#firstDomain;
    const domains =
      first === undefined ? domainIds : [first, ...domainIds.filter((id) => id !== first)];
    board.beginMerge(selection);
    const last = await activity.run(
      'Scoring the merge',
      (task) =>
        lab().evaluate(
          { slot: 'merge', selection, domains },
          (update) => {
            // The last of them may come after the end of the call: they travel on another channel.
            if (!task.signal.aborted) board.takeMerge(domains, update, false);
          },
          task,
        ),
      signal,
    );
    signal.throwIfAborted();
    board.takeMerge(domains, last, true);
  }
}
