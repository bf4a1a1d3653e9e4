import type { DownloadRequest, MakerMessage, TakerMessage } from '../workers/download-messages';

/** Some browsers end a service worker that hears of nothing, in the middle of a download. */
const awakeIntervalMs = 15_000;

/** Whether this page can turn a stream into a download: its service worker hands it to the browser. */
export function canStreamDownloads(): boolean {
  return 'serviceWorker' in navigator && navigator.serviceWorker.controller !== null;
}

/**
 * The page's part in a download whose bytes a worker makes: once that begins, its service worker gets
 * the port, and the browser the address at which it answers.
 */
export class DownloadRelay {
  /** For the worker that makes the bytes. */
  readonly port: MessagePort;
  /** To the service worker; a worker that ends with its page cannot tell it so. */
  #page: MessagePort | undefined;
  readonly #leave = (): void => {
    const fail: MakerMessage = { kind: 'fail' };
    this.#page?.postMessage(fail);
  };
  #frame: HTMLIFrameElement | undefined;
  #awake: ReturnType<typeof setInterval> | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port2.onmessage = ({ data }: MessageEvent<MakerMessage>) => {
      if (data.kind !== 'begin') return;
      port2.onmessage = null;
      void this.#begin(data, port2);
    };
  }

  /** Ends the page's part when the worker has ended. */
  close(): void {
    clearInterval(this.#awake);
    removeEventListener('pagehide', this.#leave);
    this.#leave();
    this.#frame?.remove();
  }

  async #begin(
    { name, sizeBytes }: Extract<MakerMessage, { kind: 'begin' }>,
    port: MessagePort,
  ): Promise<void> {
    const { active } = canStreamDownloads() ? await navigator.serviceWorker.ready : {};
    if (active === undefined || active === null) {
      const cancelled: TakerMessage = { kind: 'cancelled' };
      port.postMessage(cancelled);
      return;
    }
    const path = `downloads/${crypto.randomUUID()}/${encodeURIComponent(name)}`;
    const url = new URL(path, document.baseURI).href;
    const request: DownloadRequest = { type: 'download', url, name, sizeBytes };
    const { port1: own, port2: page } = new MessageChannel();
    this.#page = own;
    active.postMessage(request, [port, page]);
    addEventListener('pagehide', this.#leave);
    this.#awake = setInterval(() => {
      active.postMessage({ type: 'awake' });
    }, awakeIntervalMs);
    // Its answer is a file to save: the frame itself stays empty.
    this.#frame = document.createElement('iframe');
    this.#frame.hidden = true;
    this.#frame.title = 'Download';
    this.#frame.src = url;
    document.body.append(this.#frame);
  }
}
