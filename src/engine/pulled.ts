/** Values that wait for the consumer: enough that producer and consumer work at the same time. */
const maxWaiting = 2;

/**
 * Turns a producer that pushes values into an iterable that is pulled, with at most two values
 * waiting. Leaving the loop early, or an abort, ends the producer before the iterable returns.
 */
export async function* pulled<T>(
  produce: (emit: (value: T) => Promise<void>, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const left = new AbortController();
  const stop = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  const waiting: T[] = [];
  const changes = new ChangeBell();
  const onStop = (): void => {
    changes.ring();
  };
  stop.addEventListener('abort', onStop, { once: true });

  const emit = async (value: T): Promise<void> => {
    stop.throwIfAborted();
    waiting.push(value);
    changes.ring();
    while (waiting.length >= maxWaiting) {
      await changes.next();
      stop.throwIfAborted();
    }
  };
  let outcome: { readonly error?: unknown } | undefined;
  const running = produce(emit, stop).then(
    () => {
      outcome = {};
      changes.ring();
    },
    (error: unknown) => {
      outcome = { error };
      changes.ring();
    },
  );
  try {
    for (;;) {
      const value = waiting.shift();
      if (value !== undefined) {
        changes.ring();
        yield value;
      } else if (outcome === undefined) {
        await changes.next();
      } else {
        if ('error' in outcome) throw outcome.error;
        return;
      }
    }
  } finally {
    left.abort();
    await running;
    stop.removeEventListener('abort', onStop);
  }
}

/** Wakes everyone who waits; there is nothing to miss, for callers look before they wait. */
class ChangeBell {
  #wake: (() => void) | undefined;
  #next: Promise<void> | undefined;

  async next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    return this.#next;
  }

  ring(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#next = undefined;
  }
}
