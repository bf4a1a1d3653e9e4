import type { DomainId } from '../../eval/tasks/task';
import type { BackendId, Collection, Lab, Recipes } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import { CompareDesk } from './compare-desk.svelte';
import { Comparison } from './comparison';
import { CompletionDesk } from './completion-desk.svelte';
import { exportMerge } from './export-merge';
import { MachineDesk } from './machine-desk.svelte';
import { MergeDesk } from './merge-desk.svelte';
import { PlanDesk } from './plan-desk.svelte';
import type { Problems } from './problems.svelte';
import { ScoreBoard, type Selection } from './score-board.svelte';

export interface WorkDeskParts {
  readonly lab: () => Lab;
  readonly activity: Activity;
  readonly problems: Problems;
  readonly collection: () => Collection | undefined;
  /** What is in force now, with stages; undefined while no collection is open. */
  readonly currentRecipes: () => Recipes | undefined;
  readonly isLive: () => boolean;
}

/** All that the lab is asked to do, and what makes way for what. */
export class WorkDesk {
  readonly board = new ScoreBoard();
  readonly completions: CompletionDesk;
  readonly merges: MergeDesk;
  readonly compare: CompareDesk;
  readonly plan: PlanDesk;
  readonly machine: MachineDesk;
  readonly #parts: WorkDeskParts;
  readonly #comparison: Comparison;
  #comparedSelection: Selection = 'quick';

  constructor(parts: WorkDeskParts) {
    this.#parts = parts;
    const { lab, activity, problems } = parts;
    const { board } = this;
    const onSettled = (): void => {
      this.#settled();
    };
    this.#comparison = new Comparison(lab, board, activity, problems);
    this.plan = new PlanDesk(lab);
    this.machine = new MachineDesk(lab, problems);
    this.compare = new CompareDesk({ lab, board, activity, problems, onSettled });
    this.completions = new CompletionDesk(lab, activity, problems);
    const { currentRecipes } = parts;
    this.merges = new MergeDesk({ lab, board, activity, problems, currentRecipes, onSettled });
  }

  /** Another setup is in force. `nearest` is scored first: the domain whose slider it was. */
  setupChanged(nearest?: DomainId): void {
    const { isLive, currentRecipes } = this.#parts;
    this.#makeWay();
    this.completions.mergeChanged();
    this.merges.moved(isLive(), nearest);
    this.plan.schedule(currentRecipes());
  }

  async merge(): Promise<void> {
    this.#makeWay();
    this.completions.mergeChanged();
    await this.merges.mergeNow(this.#parts.isLive());
  }

  async evaluate(selection: Selection): Promise<void> {
    this.#makeWay();
    this.#comparedSelection = selection;
    await this.merges.evaluateNow(selection);
  }

  /** @param specialist writes beside base and merge; empty for none */
  async generate(specialist: string): Promise<void> {
    this.#makeWay();
    if (await this.merges.ensureMerged()) {
      const slots = ['merge', specialist, 'base'].filter((slot) => slot !== '');
      await this.completions.run(slots);
    }
    if (!this.completions.isRunning) {
      if (this.merges.isInterrupted) await this.merges.resumeScoring();
      else this.#settled();
    }
  }

  /** Merges and scores every method beside each other. */
  compareMethods(selection: Selection): void {
    const collection = this.#parts.collection();
    if (collection === undefined) return;
    this.#pauseBackground();
    const waits = this.merges.phase !== 'idle' || this.completions.isRunning;
    this.compare.start(collection, selection, waits);
  }

  /** Writes the merged checkpoint as one zip file. Must be called from a click. */
  async export(recipeText: string | undefined): Promise<void> {
    const { lab, activity, problems } = this.#parts;
    const [recipes, collection] = [this.#parts.currentRecipes(), this.#parts.collection()];
    if (recipes === undefined || collection === undefined) return;
    this.#pauseBackground();
    try {
      await exportMerge(lab(), activity, { recipes, recipeText }, collection.base.sizeBytes);
      problems.clear('export');
    } catch (error) {
      problems.report(error, 'export');
    } finally {
      if (this.merges.phase === 'idle') this.#settled();
    }
  }

  async chooseBackend(id: BackendId | undefined): Promise<void> {
    this.#makeWay();
    await this.machine.chooseBackend(id, () => {
      // The same recipe on another back end: made again, so that cost and scores are its own.
      this.merges.moved(this.#parts.isLive());
    });
  }

  async clearStorage(): Promise<void> {
    this.#comparison.pause();
    if (await this.machine.clearStorage()) {
      this.#parts.activity.say('Everything this page kept was deleted.');
    }
  }

  /** Ends everything that runs. What was finished stays. */
  cancel(): void {
    const { activity } = this.#parts;
    this.stop();
    activity.cancelAll();
    activity.say('Stopped.');
  }

  /** Ends merges and what goes on behind them. */
  stop(): void {
    this.compare.stop();
    this.#comparison.pause();
    this.completions.stop();
    this.merges.cancel();
  }

  /** Other models are open: what was found out about the ones before is not about them. */
  clear(): void {
    this.board.clear();
    this.merges.clear();
    this.compare.clear();
    this.completions.clear();
    this.#comparedSelection = 'quick';
  }

  /** Makes way for an opening, which replaces the models that everything else works on. */
  beforeOpening(): void {
    this.#makeWay();
    this.merges.cancel();
  }

  /** Ends background work and replies, which would stand in the way of what the person wants now. */
  #makeWay(): void {
    this.#pauseBackground();
    this.completions.stop();
  }

  #pauseBackground(): void {
    this.compare.pause();
    this.#comparison.pause();
  }

  #settled(): void {
    const { collection: openCollection, isLive } = this.#parts;
    const collection = openCollection();
    if (collection === undefined || this.compare.resume()) return;
    if (isLive() || this.#comparedSelection === 'full') {
      this.#comparison.schedule(collection, this.#comparedSelection);
    }
  }
}
