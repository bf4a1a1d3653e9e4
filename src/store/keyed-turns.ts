/** Lets asynchronous work under one key run one after another; different keys run side by side. */
export class KeyedTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `body` when all that was asked for under `key` before it has ended, however it ended. */
  async run<T>(key: string, body: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(body, body);
    const quiet = turn.catch(() => undefined);
    this.#last.set(key, quiet);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === quiet) this.#last.delete(key);
    }
  }
}
