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

/**
 * `promise`, or a rejection with the signal's reason as soon as it fires. The work behind the
 * promise goes on for others who wait for it.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
