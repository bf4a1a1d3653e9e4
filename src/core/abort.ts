/**
 * A new `AbortController` for work of which only the newest request counts: each `begin` aborts the
 * one before it.
 */
export class LatestOnly {
  #current: AbortController | undefined;

  /** Aborts the work in progress, if any, and returns the signal of the new one. */
  begin(): AbortSignal {
    this.cancel();
    const controller = new AbortController();
    this.#current = controller;
    return controller.signal;
  }

  cancel(): void {
    this.#current?.abort();
    this.#current = undefined;
  }
}
