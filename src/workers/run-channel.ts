import type { RunLive } from './run-meter';

/** What tabs and workers tell each other about runs. */
export type RunMessage =
  /** The list is not what it was. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'live'; readonly id: string; readonly live: RunLive }
  /** To whoever works on the run. */
  | { readonly kind: 'ask'; readonly id: string; readonly ask: 'pause' | 'cancel' };

/** One end of the channel; it hears every other end, also in the same page, but not itself. */
export class RunChannel {
  readonly #channel = new BroadcastChannel('mergelab-runs');

  constructor(hear: (message: RunMessage) => void = () => undefined) {
    this.#channel.onmessage = (event: MessageEvent<RunMessage>) => {
      hear(event.data);
    };
  }

  tell(message: RunMessage): void {
    this.#channel.postMessage(message);
  }

  close(): void {
    this.#channel.close();
  }
}
