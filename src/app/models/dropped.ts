/** A dropped file or folder, in the best form that the browser has for it. */
export type Dropped =
  | {
      readonly kind: 'handle';
      /** Empty for what is no file on a disk, such as a picture dragged from another page. */
      readonly handle: Promise<FileSystemHandle | null | undefined>;
      readonly file: File | null;
    }
  | { readonly kind: 'entry'; readonly entry: FileSystemEntry }
  | { readonly kind: 'file'; readonly file: File };

interface DropItem {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
}

/** Whether what is dragged over the page are files, not text of the page itself. */
export function hasFiles(transfer: DataTransfer | null): transfer is DataTransfer {
  return transfer?.types.includes('Files') === true;
}

/**
 * Takes what was dropped out of its event. Part of the first load, and apart from what looks for
 * models in it: a browser hands dropped things out only while the event is handled.
 */
export function takeDropped(transfer: DataTransfer): readonly Dropped[] {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file');
  return items.flatMap((item): readonly Dropped[] => {
    const file = item.getAsFile();
    const handle = (item as DropItem).getAsFileSystemHandle?.();
    if (handle !== undefined) return [{ kind: 'handle', handle, file }];
    const entry = item.webkitGetAsEntry();
    if (entry?.isDirectory === true) return [{ kind: 'entry', entry }];
    return file === null ? [] : [{ kind: 'file', file }];
  });
}
