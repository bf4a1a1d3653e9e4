import type { LongTask, Progress } from '../../core/progress';

/** Work in progress, as the activity bar shows it. */
export interface RunningTask {
  readonly id: number;
  readonly label: string;
  readonly progress: Progress | undefined;
}

/** What is going on: tasks with their progress, and one polite sentence for the last thing done. */
export class Activity {
  tasks = $state.raw<readonly RunningTask[]>([]);
  /** Read by screen readers as it changes; changed only when something ended. */
  message = $state('');
  readonly #controllers: { readonly id: number; readonly controller: AbortController }[] = [];
  #nextId = 1;

  /** The task shown: the one begun last. */
  get current(): RunningTask | undefined {
    return this.tasks.at(-1);
  }

  get isBusy(): boolean {
    return this.tasks.length > 0;
  }

  /**
   * Runs `work` as a task that the person can cancel; it also ends when `outer` aborts. Rejects as
   * `work` does.
   */
  async run<T>(
    label: string,
    work: (task: LongTask & { readonly signal: AbortSignal }) => Promise<T>,
    outer?: AbortSignal,
  ): Promise<T> {
    const id = this.#nextId++;
    const controller = new AbortController();
    const signal =
      outer === undefined ? controller.signal : AbortSignal.any([outer, controller.signal]);
    this.#controllers.push({ id, controller });
    this.tasks = [...this.tasks, { id, label, progress: undefined }];
    try {
      signal.throwIfAborted();
      return await work({
        signal,
        onProgress: (progress) => {
          if (!signal.aborted) this.#update(id, progress);
        },
      });
    } finally {
      this.tasks = this.tasks.filter((task) => task.id !== id);
      const at = this.#controllers.findIndex((entry) => entry.id === id);
      if (at >= 0) this.#controllers.splice(at, 1);
    }
  }

  /** Ends every task; each rejects with an AbortError. */
  cancelAll(): void {
    for (const { controller } of [...this.#controllers]) controller.abort();
  }

  say(sentence: string): void {
    this.message = sentence;
  }

  #update(id: number, progress: Progress): void {
    this.tasks = this.tasks.map((task) => (task.id === id ? { ...task, progress } : task));
  }
}
