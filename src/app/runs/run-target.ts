import { canStreamDownloads } from '../../rpc/download-relay';
import { zipFileName } from '../../engine/zip-names';
import type { RunTarget } from '../../rpc/lab';

/** Where a person wants a result: kept here, as files in a folder on disk, or as one zip. */
export type Destination =
  | { readonly kind: 'store' }
  | { readonly kind: 'folder'; readonly folder: FileSystemDirectoryHandle }
  | { readonly kind: 'zip' };

/** Not in the DOM library of TypeScript: Chromium's File System Access. */
interface Pickers {
  showDirectoryPicker?: (options: {
    id: string;
    mode: 'readwrite';
  }) => Promise<FileSystemDirectoryHandle>;
  showSaveFilePicker?: (options: {
    id: string;
    suggestedName: string;
    types: readonly { description: string; accept: Readonly<Record<string, string[]>> }[];
  }) => Promise<FileSystemFileHandle>;
}

const pickers = globalThis as Pickers;
/** The browser opens its dialogs where the last result went. */
const dialogId = 'mergelab-output';

export function canWriteFolders(): boolean {
  return pickers.showDirectoryPicker !== undefined;
}

/** How this browser can write a zip while it is made; undefined when it cannot. */
export function zipWay(): 'file' | 'download' | undefined {
  if (pickers.showSaveFilePicker !== undefined) return 'file';
  return canStreamDownloads() ? 'download' : undefined;
}

/** Must be called from a click. Rejects with an AbortError when the person closes the dialog. */
export async function pickOutputFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  return pickers.showDirectoryPicker?.call(globalThis, { id: dialogId, mode: 'readwrite' });
}

/**
 * A new zip for one run, named after it. Must be called from a click. Rejects with an AbortError when
 * the person closes the dialog.
 */
export async function pickZip(title: string): Promise<RunTarget> {
  const picked = await pickers.showSaveFilePicker?.call(globalThis, {
    id: dialogId,
    suggestedName: zipFileName(title),
    types: [{ description: 'Zip archive', accept: { 'application/zip': ['.zip'] } }],
  });
  return picked ?? 'download';
}

/** As `pickZip`, where a run goes into a zip. */
export async function targetOf(destination: Destination, title: string): Promise<RunTarget> {
  switch (destination.kind) {
    case 'store':
      return 'store';
    case 'folder':
      return destination.folder;
    case 'zip':
      return pickZip(title);
  }
}
