import { LabError, sentenceOf } from '../../core/errors';
import { decodeState, encodeState } from '../../recipe/url-codec';
import type { LinkState } from './link';
import { Throttle } from './throttle';

const key = '#r=';
/** Browsers refuse more than about 100 changes of the address in 30 seconds. */
const writeEveryMs = 350;

/** The set-up in the address bar: written as it changes, read at the start and on back and forward. */
export class AddressBar {
  readonly #throttle = new Throttle(writeEveryMs);
  #written = '';
  #isClosed = false;

  /** What the address says, decoded; undefined when it says nothing. @throws LabError `url/bad-state` */
  async read(): Promise<unknown> {
    const { hash } = globalThis.location;
    if (!hash.startsWith(key)) return undefined;
    try {
      return await decodeState(hash.slice(key.length));
    } catch (cause) {
      if (cause instanceof LabError) throw cause;
      throw new LabError(
        'url/bad-state',
        `The link in the address bar cannot be read (${sentenceOf(cause)}), so the page starts with its usual settings; copy the link again from the page that made it.`,
        { cause },
      );
    }
  }

  /** Puts `state` into the address without a new entry in the browser's history. */
  write(state: LinkState): void {
    this.#throttle.run(() => {
      void this.flush(state);
    });
  }

  /** Writes at once and returns the whole link. */
  async flush(state: LinkState): Promise<string> {
    this.#throttle.cancel();
    const hash = key + (await encodeState(state));
    if (hash !== this.#written && !this.#isClosed) {
      this.#written = hash;
      globalThis.history.replaceState(globalThis.history.state, '', hash);
    }
    return globalThis.location.href;
  }

  /** Calls back when the person, not the page, changed the address; returns how to stop. */
  listen(onChange: () => void): () => void {
    const check = (): void => {
      if (globalThis.location.hash !== this.#written) onChange();
    };
    globalThis.addEventListener('hashchange', check);
    return () => {
      this.#isClosed = true;
      this.#throttle.cancel();
      globalThis.removeEventListener('hashchange', check);
    };
  }
}
