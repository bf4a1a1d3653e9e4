import { LabError } from '../../core/errors';
import { zipFileName } from '../../engine/zip-names';
import type { RunRequest, RunSummary } from '../../rpc/lab';
import type { WholeLab } from '../state/lab-parts';
import type { Activity } from '../state/activity.svelte';
import type { Pushed } from '../../sources/hub/push';
import type { PushTarget } from '../../workers/run-catalogue';
import { runLockName } from '../../workers/run-lock';
import { freeTitle } from '../../workers/run-titles';
import { openDownload } from '../state/save-file';
import type { Problems } from '../state/problems.svelte';
import { rememberedRuns, rememberRuns } from './remembered-runs';
import { pickZip } from './run-target';
import { isPausable, runsText } from './run-words';

/** States in which a run is worked on or will be by itself. */
const active: ReadonlySet<RunSummary['state']> = new Set(['waiting', 'running']);

/** The merges that run as jobs: they go on while the page does something else and outlive it. */
export class RunDesk {
  /** The newest first. */
  all = $state.raw<readonly RunSummary[]>([]);
  /** False until the list was read once. */
  isKnown = $state(false);
  readonly #lab: () => WholeLab;
  readonly #activity: Activity;
  readonly #problems: Problems;
  #watching: AbortController | undefined;
  /** Runs of other tabs whose end is waited for. */
  #awaited: readonly string[] = [];

  constructor(lab: () => WholeLab, activity: Activity, problems: Problems) {
    this.#lab = lab;
    this.#activity = activity;
    this.#problems = problems;
  }

  get active(): readonly RunSummary[] {
    return this.all.filter(({ state }) => active.has(state));
  }

  /** The run that this tab works on now; one that waits, when none is. */
  get current(): RunSummary | undefined {
    const own = this.active.filter(({ isElsewhere }) => !isElsewhere);
    return own.find(({ state }) => state === 'running') ?? own.at(-1);
  }

  /** Reads the list and hears of every change until `stop`. */
  async watch(): Promise<void> {
    this.stop();
    const controller = new AbortController();
    this.#watching = controller;
    await this.#try(async () => {
      this.#take(await this.#lab().runs());
      await this.#lab().watchRuns((runs) => {
        if (!controller.signal.aborted) this.#take(runs);
      }, controller.signal);
    });
  }

  stop(): void {
    this.#watching?.abort();
    this.#watching = undefined;
  }

  /** As a new run of this title will be called. */
  titleFor(wanted: string): string {
    return freeTitle(
      wanted,
      this.all.map(({ title }) => title),
    );
  }

  /** Says whether it was taken on. */
  async start(request: RunRequest): Promise<boolean> {
    return this.#try(async () => {
      await this.#lab().startRun(request);
      this.#activity.say(`${request.title} is running; you may leave the page and come back.`);
    });
  }

  async resume(id: string): Promise<void> {
    await this.#try(() => this.#lab().resumeRun(id));
  }

  /** Begins a run once more, with a zip into a new file. Must be called from a click. */
  async repeat({ id, title, writtenTo }: RunSummary): Promise<void> {
    await this.#try(async () => {
      const next = this.titleFor(title);
      const to = writtenTo?.kind === 'zip' ? await pickZip(next) : undefined;
      await this.#lab().repeatRun(id, to);
      this.#activity.say(`${title} runs once more, as ${next}.`);
    });
  }

  async pause(id: string): Promise<boolean> {
    return this.#try(() => this.#lab().pauseRun(id));
  }

  /** Stops the run at work without losing what it did, which may be hours; a download is lost. */
  async setAside(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    const { id, title } = current;
    if (isPausable(current)) {
      if (!(await this.pause(id))) return;
      this.#activity.say(`${title} is paused; resume or cancel it under Runs.`);
      return;
    }
    if (!(await this.cancel(id))) return;
    this.#activity.say(`${title} was cancelled; its download was given up. Re-run it under Runs.`);
  }

  async cancel(id: string): Promise<boolean> {
    return this.#try(() => this.#lab().cancelRun(id));
  }

  async rename(id: string, title: string): Promise<void> {
    const trimmed = title.trim();
    if (trimmed === '') return;
    await this.#try(() => this.#lab().renameRun(id, trimmed));
  }

  async delete({ id, title }: RunSummary): Promise<void> {
    rememberRuns(rememberedRuns().filter((run) => run.id !== id));
    if (await this.#try(() => this.#lab().deleteRun(id))) {
      this.#activity.say(`${title} was deleted.`);
    }
  }

  /** Writes a finished run as one zip file. Must be called from a click. */
  async export({ id, title, sizeBytes = 0 }: RunSummary): Promise<void> {
    const name = zipFileName(title);
    await this.#try(async () => {
      const target = await openDownload(name, sizeBytes);
      try {
        await this.#activity.run(`Writing ${name}`, (task) =>
          this.#lab().exportRun(id, target.into, task),
        );
      } catch (error) {
        await target.discard();
        throw error;
      }
      target.finish();
      this.#activity.say(`${name} is complete.`);
    });
  }

  /** Uploads a finished run to a hub; undefined when that did not work. */
  async push(run: RunSummary, to: PushTarget): Promise<Pushed | undefined> {
    let pushed: Pushed | undefined;
    await this.#try(async () => {
      pushed = await this.#activity.run(`Uploading ${run.title}`, (task) =>
        this.#lab().pushRun(run.id, to, task),
      );
      this.#activity.say(`${run.title} is on the Hub.`);
    });
    return pushed;
  }

  #take(runs: readonly RunSummary[]): void {
    this.#tellEnds(runs);
    this.all = runs.toSorted((left, right) => right.createdAtMs - left.createdAtMs);
    this.isKnown = true;
    if (runs.length > 0) rememberRuns(this.all);
    else {
      this.#tellLost().catch((error: unknown) => {
        this.#problems.report(error, 'loss');
      });
    }
    for (const { id, isElsewhere } of runs) {
      if (isElsewhere && !this.#awaited.includes(id)) void this.#awaitOther(id);
    }
  }

  /**
   * A list that was not empty and nobody emptied was dropped by the browser, as Chromium does with a
   * whole database when it finds no byte of room on the disk; or it cannot be read now.
   */
  async #tellLost(): Promise<void> {
    if (rememberedRuns().length === 0) return;
    const isReadable = await this.#isStorageReadable();
    const isEmpty = (await this.#lab().runs()).length === 0;
    // Read only now: another tab may have begun its first run meanwhile, or deleted its last.
    const missed = rememberedRuns();
    if (!isEmpty || missed.length === 0) return;
    const runs = runsText(missed.map(({ title }) => title));
    if (!isReadable) {
      throw new LabError(
        'store/denied',
        `The browser does not open what this page stored, ${runs} with it. If the disk is full, free space on it; then reload the page.`,
      );
    }
    rememberRuns([]);
    throw new LabError(
      'store/lost',
      `The browser dropped everything that this page had stored, with ${runs}. Browsers do so when a disk has no room left: free disk space, let the page keep its data under Storage, and start again.`,
    );
  }

  async #isStorageReadable(): Promise<boolean> {
    try {
      return (await this.#lab().storageDetails()).isAvailable;
    } catch {
      return false;
    }
  }

  /** Who does something else meanwhile hears that a run came to its end. */
  #tellEnds(runs: readonly RunSummary[]): void {
    for (const { id, state, title } of runs) {
      const isEnd = state === 'done' || state === 'failed';
      if (!isEnd || !this.active.some((before) => before.id === id)) continue;
      this.#activity.say(
        state === 'done'
          ? `${title} is finished; find it under Runs.`
          : `${title} failed; see Runs.`,
      );
    }
  }

  /** A tab that is closed or reloaded tells nobody; that its lock is free does. */
  async #awaitOther(id: string): Promise<void> {
    const signal = this.#watching?.signal;
    if (signal === undefined) return;
    this.#awaited = [...this.#awaited, id];
    try {
      await navigator.locks.request(runLockName(id), { mode: 'shared', signal }, () => undefined);
      this.#awaited = this.#awaited.filter((one) => one !== id);
      this.#take(await this.#lab().runs());
    } catch {
      // The page is leaving, or the browser has no locks: the list stays as it was told.
    }
  }

  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#problems.clear('runs');
      return true;
    } catch (error) {
      this.#problems.report(error, 'runs');
      return false;
    }
  }
}
