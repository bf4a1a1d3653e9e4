import type { LongTask } from '../core/progress';
import type { RunRequest, RunSummary } from './lab';
import { RunDesk, type RunDeskSetting } from './run-desk';

/**
 * The part of the lab that outlives a visit: merges as jobs. Every method may reject with a LabError.
 */
export class LabJobs {
  readonly #desk: RunDesk;

  constructor(setting: RunDeskSetting) {
    this.#desk = new RunDesk(setting);
  }

  /** All runs, the newest first. */
  async runs(): Promise<readonly RunSummary[]> {
    return this.#desk.runs();
  }

  /** Tells the list now and after every change, until the signal fires. */
  async watchRuns(
    onChange: (runs: readonly RunSummary[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#desk.watch(onChange, signal);
  }

  /**
   * Begins a merge as a job; what becomes of it is told by `watchRuns`.
   * @returns its id, as soon as it is written down
   */
  async startRun(request: RunRequest): Promise<string> {
    return this.#desk.start(request);
  }

  /**
   * Goes on with a run that was paused, interrupted or failed. Call it from a click: folders on disk
   * may need the person's permission again.
   */
  async resumeRun(id: string): Promise<void> {
    return this.#desk.resume(id);
  }

  /** Finishes the slice at work and frees the worker. */
  async pauseRun(id: string): Promise<void> {
    return this.#desk.pause(id);
  }

  /** Ends a run and deletes what it wrote. */
  async cancelRun(id: string): Promise<void> {
    return this.#desk.cancel(id);
  }

  async renameRun(id: string, title: string): Promise<void> {
    return this.#desk.rename(id, title);
  }

  /** Deletes a run with its output; one that is at work is cancelled first. */
  async deleteRun(id: string): Promise<void> {
    return this.#desk.remove(id);
  }

  /** Streams the output of a finished run as a zip. */
  async exportRun(
    id: string,
    target: WritableStream<Uint8Array>,
    task: LongTask = {},
  ): Promise<void> {
    return this.#desk.exportTo(id, target, task);
  }

  /** Ends the workers: runs of this page are interrupted and can be resumed. */
  close(): void {
    this.#desk.close();
  }
}
