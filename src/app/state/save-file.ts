import { LabError } from '../../core/errors';
import { canStreamDownloads, DownloadRelay } from '../../rpc/download-relay';
import type { ExportTarget } from '../../rpc/lab';
import { bytesText } from './format';

/** From this size a person names the file where the browser has a dialog, and memory holds no zip. */
const largeFromBytes = 128 * 1024 * 1024;

/** Where a download goes: write `into` it, then `finish`; `discard` when it failed. */
export interface DownloadTarget {
  readonly into: ExportTarget;
  /** Hands the file to the person, where it is not complete by itself. */
  finish(): void;
  discard(): Promise<void>;
}

interface SaveFilePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/**
 * Opens a place for a download of about `sizeBytes`. Large ones go straight to a file that the person
 * names, where the browser offers that; others become an ordinary download while they are made. Must be
 * called from a click.
 *
 * Rejects with an AbortError when the person closes the dialog, and with LabError
 * `engine/write-failed` when nothing can take that much.
 */
export async function openDownload(name: string, sizeBytes: number): Promise<DownloadTarget> {
  const { showSaveFilePicker } = globalThis as SaveFilePicker;
  const isLarge = sizeBytes >= largeFromBytes;
  if (isLarge && showSaveFilePicker !== undefined) {
    return inFile(await showSaveFilePicker.call(globalThis, { suggestedName: name }));
  }
  if (canStreamDownloads()) return asDownload(name);
  if (isLarge) throw tooLarge(sizeBytes);
  return inMemory(name);
}

async function inFile(handle: FileSystemFileHandle): Promise<DownloadTarget> {
  const stream = await handle.createWritable();
  return {
    into: stream,
    finish: () => undefined,
    // An aborted stream leaves the file as it was before; a closed one cannot be aborted again.
    discard: () => stream.abort().catch(() => undefined),
  };
}

/** The browser takes the bytes as they are made, through the service worker. */
function asDownload(name: string): DownloadTarget {
  const relay = new DownloadRelay();
  return {
    into: { port: relay.port, name },
    finish: () => {
      relay.close();
    },
    discard: () => {
      relay.close();
      return Promise.resolve();
    },
  };
}

/** For pages without a service worker, as in some private windows. */
function inMemory(name: string): DownloadTarget {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    into: new WritableStream<Uint8Array>({
      write(piece) {
        pieces.push(new Uint8Array(piece));
      },
    }),
    finish() {
      save(name, new Blob(pieces, { type: 'application/zip' }));
    },
    discard: () => Promise.resolve(),
  };
}

function tooLarge(sizeBytes: number): LabError {
  return new LabError(
    'engine/write-failed',
    `The zip takes ${bytesText(sizeBytes)}, and this page can hand the browser no file of that size now. Reload the page and export again; in a private window, use an ordinary one, or a browser that can save files directly, such as Chrome.`,
    { details: { sizeBytes } },
  );
}

/** Hands a small text over as an ordinary download. */
export function saveText(name: string, text: string, type: string): void {
  save(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  // The browser has taken the blob over once the click was handled; a minute is ample.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
}
