/** Long enough to be cheap, short enough that a cancel or a slider is heard within a frame. */
const sliceMs = 12;

/**
 * Lets waiting messages in, at most every 12 ms. The wasm provider never leaves the microtask queue,
 * so a worker that only awaits runs would not hear that its work was cancelled.
 */
export class EventBreaks {
  #lastMs = performance.now();

  /** Rejects with `signal.reason` when the signal has fired by then. */
  async pause(signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() - this.#lastMs >= sliceMs) {
      await nextTask();
      this.#lastMs = performance.now();
    }
    signal?.throwIfAborted();
  }
}

/** A turn of the event loop without the 4 ms that nested timers wait for. */
export async function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
