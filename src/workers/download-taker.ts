import type { DownloadFacts, MakerMessage, TakerMessage } from './download-messages';

/** A maker that was not heard for so long has gone, with a tab that could not say so. */
const patienceMs = 60_000;

/**
 * A download as the browser takes it: the bytes that come over `port`, one piece for each that it asks
 * for.
 * @param page over which the maker's page says that it leaves
 */
export function downloadResponse(
  { name, sizeBytes }: DownloadFacts,
  port: MessagePort,
  page: MessagePort,
): Response {
  return new Response(bodyFrom(port, page), {
    headers: {
      'Content-Type': 'application/zip',
      'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      // Known exactly: a download that stops early is no file for the browser.
      'Content-Length': String(sizeBytes),
    },
  });
}

function bodyFrom(port: MessagePort, page: MessagePort): ReadableStream<Uint8Array> {
  const tell = (message: TakerMessage): void => {
    port.postMessage(message);
  };
  let wake: () => void = () => undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (work: () => void): void => {
          clearTimeout(timer);
          port.onmessage = null;
          page.onmessage = null;
          work();
          wake();
        };
        const fail = (): void => {
          end(() => {
            controller.error(new Error('The page that makes the file has gone, or gave it up.'));
          });
        };
        const wait = (): void => {
          clearTimeout(timer);
          timer = setTimeout(fail, patienceMs);
        };
        const hear = ({ data }: MessageEvent<MakerMessage>): void => {
          wait();
          if (data.kind === 'bytes') {
            controller.enqueue(new Uint8Array(data.bytes));
            wake();
          } else if (data.kind === 'fail') fail();
          else if (data.kind === 'end') {
            end(() => {
              controller.close();
              tell({ kind: 'ended' });
            });
          }
        };
        port.onmessage = hear;
        page.onmessage = hear;
        wait();
      },
      async pull() {
        const given = new Promise<void>((resolve) => {
          wake = resolve;
        });
        tell({ kind: 'pull' });
        await given;
      },
      cancel() {
        clearTimeout(timer);
        port.onmessage = null;
        page.onmessage = null;
        tell({ kind: 'cancelled' });
      },
    },
    { highWaterMark: 0 },
  );
}
