import { LabError } from '../core/errors';
import type { DownloadFacts, MakerMessage, TakerMessage } from './download-messages';

/** A browser may slow timers down; the taker waits much longer than this. */
const aliveIntervalMs = 5000;
/** A browser that asks for nothing within this has not let the download begin. */
const beginMs = 60_000;

/**
 * A stream into a download of the browser, through the page and its service worker. A piece is sent
 * when the browser asks for one, so that none pile up.
 *
 * The stream fails with LabError `engine/write-failed` when the download does not begin or is ended in
 * the browser. Aborting it leaves no file.
 */
export function downloadMaker(port: MessagePort, facts: DownloadFacts): WritableStream<Uint8Array> {
  const tell = (message: MakerMessage, moved: Transferable[] = []): void => {
    port.postMessage(message, moved);
  };
  let isAnswered = false;
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  const answer = async (): Promise<void> => {
    while (!isAnswered && failure === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    isAnswered = false;
    if (failure !== undefined) throw failure;
  };
  let beginTimer: ReturnType<typeof setTimeout>;
  let aliveTimer: ReturnType<typeof setInterval>;
  const rest = (): void => {
    clearTimeout(beginTimer);
    clearInterval(aliveTimer);
  };
  return new WritableStream<Uint8Array>({
    start(controller) {
      beginTimer = setTimeout(() => {
        fail(notBegun());
      }, beginMs);
      aliveTimer = setInterval(() => {
        tell({ kind: 'alive' });
      }, aliveIntervalMs);
      controller.signal.addEventListener('abort', () => {
        fail(controller.signal.reason as Error);
      });
      port.onmessage = ({ data }: MessageEvent<TakerMessage>) => {
        clearTimeout(beginTimer);
        if (data.kind === 'cancelled') fail(ended());
        isAnswered = true;
        wake();
      };
      tell({ kind: 'begin', ...facts });
    },
    async write(bytes) {
      await answer();
      const { buffer } = new Uint8Array(bytes);
      tell({ kind: 'bytes', bytes: buffer }, [buffer]);
    },
    async close() {
      await answer();
      tell({ kind: 'end' });
      await answer();
      rest();
    },
    abort() {
      tell({ kind: 'fail' });
      rest();
    },
  });
}

function ended(): LabError {
  return new LabError(
    'engine/write-failed',
    'The download was ended in the browser, or could not be handed to it; start it anew.',
  );
}

function notBegun(): LabError {
  return new LabError(
    'engine/write-failed',
    'The browser did not let the download begin; allow this page to download files, then start it anew.',
  );
}
