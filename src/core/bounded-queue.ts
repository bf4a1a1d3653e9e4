/**
 * Runs tasks one after another behind whoever adds them; who adds more than the bound waits until
 * there is room again. A task must not reject: what goes wrong in it is its own to tell.
 */
export class BoundedQueue {
  readonly #boundBytes: number;
  #queuedBytes = 0;
  #last: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  /** @param boundBytes what the tasks that wait or run may hold together; one is always let in */
  constructor(boundBytes: number) {
    this.#boundBytes = boundBytes;
  }

  /** Settles when the task is in the queue, not when it has run. */
  async add(sizeBytes: number, task: () => Promise<void>): Promise<void> {
    while (this.#queuedBytes > 0 && this.#queuedBytes + sizeBytes > this.#boundBytes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#queuedBytes += sizeBytes;
    this.#last = this.#last.then(task).then(() => {
      this.#queuedBytes -= sizeBytes;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Settles when everything that was added has run. */
  async drain(): Promise<void> {
    await this.#last;
  }
}
