import { isAbort, sentenceOf } from '../../core/errors';
import type { Progress } from '../../core/progress';
import { domainIds } from '../../eval/tasks/task';
import type { Collection, EvaluationUpdate, Lab } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import { compareRows, type CompareRow } from './compare-rows';
import { methods } from './methods';
import type { Problems } from './problems.svelte';
import type { ScoreBoard, Selection } from './score-board.svelte';
import { isReference, missingUnits, scoreUnit } from './score-unit';

export interface CompareDeskParts {
  readonly lab: () => Lab;
  readonly board: ScoreBoard;
  readonly activity: Activity;
  readonly problems: Problems;
  /** Called when all rows are measured. */
  readonly onSettled: () => void;
}

/** Merges and scores every method, row by row; makes way for what a person does meanwhile. */
export class CompareDesk {
  rows = $state.raw<readonly CompareRow[]>([]);
  selection = $state<Selection>('quick');
  /** `paused` waits until nothing else runs, and then goes on by itself. */
  phase = $state<'idle' | 'running' | 'paused'>('idle');
  readonly #parts: CompareDeskParts;
  #collection: Collection | undefined;
  #controller: AbortController | undefined;

  constructor(parts: CompareDeskParts) {
    this.#parts = parts;
  }

  /**
   * Compares on `selection`; rows that are measured on it already stay.
   * @param waits whether something else runs that `resume` comes after
   */
  start(collection: Collection, selection: Selection, waits: boolean): void {
    this.stop();
    if (this.rows.length === 0 || this.#collection !== collection || this.selection !== selection) {
      this.rows = compareRows(methods, collection);
    }
    this.#collection = collection;
    this.selection = selection;
    this.#change(({ state }) => state === 'failed', { state: 'waiting', problem: '' });
    if (waits) this.phase = 'paused';
    else void this.#run(collection);
  }

  /** Makes way; finished rows are kept, and `resume` goes on. */
  pause(): void {
    if (this.phase !== 'running') return;
    this.#abort();
    this.phase = 'paused';
  }

  /** Goes on after a pause; does nothing otherwise. Says whether it does. */
  resume(): boolean {
    const collection = this.#collection;
    if (this.phase === 'idle' || collection === undefined) return false;
    if (this.phase === 'paused') void this.#run(collection);
    return true;
  }

  /** Ends it; finished rows stay on screen. */
  stop(): void {
    this.#abort();
    this.phase = 'idle';
  }

  /** Another collection is open: its merges are others. */
  clear(): void {
    this.stop();
    this.rows = [];
  }

  get doneCount(): number {
    return this.rows.filter(({ state }) => state === 'done' || state === 'failed').length;
  }

  get usableCount(): number {
    return this.rows.filter(({ state }) => state !== 'left-out').length;
  }

  #abort(): void {
    this.#controller?.abort();
    this.#controller = undefined;
    this.#change(({ state }) => state === 'running', { state: 'waiting', scores: {} });
  }

  async #run(collection: Collection): Promise<void> {
    const { activity, problems, onSettled } = this.#parts;
    const controller = new AbortController();
    this.#controller = controller;
    this.phase = 'running';
    try {
      await activity.run(
        'Comparing the methods',
        (task) => this.#measure(collection, task),
        controller.signal,
      );
      this.phase = 'idle';
      activity.say(`Compared ${this.usableCount} methods.`);
      onSettled();
    } catch (error) {
      // Whoever aborted this run has said what comes next.
      if (this.#controller !== controller) return;
      this.stop();
      if (!isAbort(error)) problems.report(error, 'merge');
    }
  }

  async #measure(
    collection: Collection,
    { signal, onProgress }: Parameters<Parameters<Activity['run']>[1]>[0],
  ): Promise<void> {
    const { lab, board } = this.#parts;
    for (const unit of missingUnits(collection, board, this.selection).filter(isReference)) {
      onProgress?.({ stage: 'Scoring the base', done: 0, total: 0, unit: 'items' });
      await scoreUnit(lab(), board, unit, this.selection, signal);
    }
    const pace = new RowPace(this.rows.filter(isOpen).length);
    for (let row = this.rows.find(isOpen); row !== undefined; row = this.rows.find(isOpen)) {
      await this.#measureRow(row, signal, (update) => {
        onProgress?.(pace.within(update));
      });
      pace.next(this.#rowOf(row)?.fromStore === true);
    }
  }

  async #measureRow(
    { method, recipe }: CompareRow,
    signal: AbortSignal,
    onUpdate: (update: EvaluationUpdate) => void,
  ): Promise<void> {
    if (recipe === undefined) return;
    const isThis = (row: CompareRow): boolean => row.method === method;
    this.#change(isThis, { state: 'running' });
    try {
      const { last, ...about } = await this.#parts.lab().scoreRecipe(
        { recipes: [recipe], selection: this.selection, domains: domainIds },
        (update) => {
          if (signal.aborted || this.rows.find(isThis)?.state !== 'running') return;
          this.#change(isThis, { scores: scoresOf(update) });
          onUpdate(update);
        },
        { signal },
      );
      signal.throwIfAborted();
      const { dtype, seed, fromStore } = last;
      this.#change(isThis, {
        ...{ state: 'done', scores: scoresOf(last), dtype, seed, fromStore },
        ...about,
      });
    } catch (error) {
      if (signal.aborted || isAbort(error)) throw error;
      // One method that fails leaves the others comparable.
      this.#change(isThis, { state: 'failed', problem: sentenceOf(error), scores: {} });
    }
  }

  #rowOf({ method }: CompareRow): CompareRow | undefined {
    return this.rows.find((row) => row.method === method);
  }

  #change(which: (row: CompareRow) => boolean, changes: Partial<CompareRow>): void {
    if (!this.rows.some(which)) return;
    this.rows = this.rows.map((row) => (which(row) ? { ...row, ...changes } : row));
  }
}

function isOpen({ state }: CompareRow): boolean {
  return state === 'waiting';
}

function scoresOf({ scores }: EvaluationUpdate): CompareRow['scores'] {
  return Object.fromEntries(
    scores.filter(({ itemCount }) => itemCount > 0).map((score) => [score.domain, score]),
  );
}

/** Progress in items over all rows; rows whose scores were kept cost nothing and count for nothing. */
class RowPace {
  #rowCount: number;
  #doneRows = 0;
  #itemsARow = 0;
  readonly #startMs = performance.now();

  constructor(rowCount: number) {
    this.#rowCount = rowCount;
  }

  next(isFree: boolean): void {
    if (isFree) this.#rowCount -= 1;
    else this.#doneRows += 1;
  }

  within({ doneCount, totalCount }: EvaluationUpdate): Progress {
    this.#itemsARow = totalCount;
    const done = this.#doneRows * this.#itemsARow + doneCount;
    const total = this.#rowCount * this.#itemsARow;
    const seconds = Math.max(0.001, (performance.now() - this.#startMs) / 1000);
    const ratePerSecond = done / seconds;
    return {
      stage: 'Scoring merges',
      done,
      total,
      unit: 'items',
      ratePerSecond,
      secondsLeft: Math.max(0, total - done) / Math.max(ratePerSecond, 0.001),
    };
  }
}
