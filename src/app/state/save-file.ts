/** Above this size a download is not gathered in memory if the browser can write to disk directly. */
const directWriteBytes = 128 * 1024 * 1024;

/** Where a download goes: write into `stream`, then `finish`; `discard` when it failed. */
export interface DownloadTarget {
  readonly stream: WritableStream<Uint8Array>;
  /** Hands the file to the person; the direct kind is complete once the stream was closed. */
  finish(): void;
  discard(): Promise<void>;
}

interface SaveFilePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/**
 * Opens a place for a download of about `sizeBytes`. Small ones become an ordinary download; large
 * ones go straight to a file that the person names, where the browser offers that. Must be called
 * from a click. Rejects with an AbortError when the person closes the dialog.
 */
export async function openDownload(name: string, sizeBytes: number): Promise<DownloadTarget> {
  const { showSaveFilePicker } = globalThis as SaveFilePicker;
  if (sizeBytes < directWriteBytes || showSaveFilePicker === undefined) return inMemory(name);
  const handle = await showSaveFilePicker.call(globalThis, { suggestedName: name });
  const stream = await handle.createWritable();
  return {
    stream,
    finish: () => undefined,
    // An aborted stream leaves the file as it was before; a closed one cannot be aborted again.
    discard: () => stream.abort().catch(() => undefined),
  };
}

function inMemory(name: string): DownloadTarget {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    stream: new WritableStream<Uint8Array>({
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
