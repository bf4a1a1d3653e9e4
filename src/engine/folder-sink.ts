import { ownBytes, refusing } from './disk-access';
import type { OutputFile } from './output-files';
import type { ResumedSave } from './store-sink';

/**
 * Writes an output into a folder on disk, file by file. The browser writes each beside its name and
 * moves it there when it is closed, so that a file is whole or absent; after an interruption those
 * that the journal says were closed stay, and the others are made again.
 *
 * @throws LabError `run/unavailable` when the permission was taken back, `engine/write-failed` when
 * the disk refuses, and whatever the streams throw
 */
export async function saveToFolder(
  files: readonly OutputFile[],
  folder: FileSystemDirectoryHandle,
  { journal, onStored }: ResumedSave,
): Promise<void> {
  for (const file of files) {
    if (journal.closedPaths.includes(file.path) && (await isWhole(folder, file))) {
      onStored(file.sizeBytes, true);
      continue;
    }
    let madeBytes = 0;
    const target = await refusing(folder, async () => {
      const handle = await fileIn(folder, file.path, true);
      return handle.createWritable({ keepExistingData: false });
    });
    try {
      for await (const bytes of file.stream()) {
        await refusing(folder, async () => target.write(ownBytes(bytes)));
        madeBytes += bytes.byteLength;
        onStored(bytes.byteLength, false);
      }
      await refusing(folder, async () => target.close());
    } catch (error) {
      onStored(-madeBytes, false);
      await target.abort().catch(() => undefined);
      throw error;
    }
    await journal.onClosed(file.path);
  }
}

/** Deletes what `saveToFolder` wrote of these files. Others in the folder stay. */
export async function dropFromFolder(
  paths: readonly string[],
  folder: FileSystemDirectoryHandle,
): Promise<void> {
  for (const path of paths) {
    const parts = path.split('/');
    try {
      let parent = folder;
      for (const part of parts.slice(0, -1)) parent = await parent.getDirectoryHandle(part);
      await parent.removeEntry(parts.at(-1) ?? '');
    } catch {
      // It was not written yet, or the folder is gone or closed to us: there is nothing to do.
    }
  }
}

async function isWhole(
  folder: FileSystemDirectoryHandle,
  { path, sizeBytes }: OutputFile,
): Promise<boolean> {
  try {
    const handle = await fileIn(folder, path, false);
    return (await handle.getFile()).size === sizeBytes;
  } catch {
    return false;
  }
}

async function fileIn(
  folder: FileSystemDirectoryHandle,
  path: string,
  create: boolean,
): Promise<FileSystemFileHandle> {
  const parts = path.split('/');
  let parent = folder;
  for (const part of parts.slice(0, -1)) parent = await parent.getDirectoryHandle(part, { create });
  return parent.getFileHandle(parts.at(-1) ?? '', { create });
}
