import { checksumStream } from '../formats/hashes';
import { ownBytes, refusing } from './disk-access';
import type { OutputFile } from './output-files';
import type { RunJournal } from './run-journal';
import type { ResumedSave } from './store-sink';

/** Pieces in which what an earlier save wrote is gone through. */
const keptPieceBytes = 4 << 20;

/** As `ResumedSave`; nobody but the journal knows what was written into a folder. */
export interface FolderSave extends Pick<ResumedSave, 'onStored'> {
  readonly journal: Pick<RunJournal, 'closedPaths' | 'checksums' | 'onClosed'>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes an output into a folder on disk, file by file. The browser writes each beside its name and
 * moves it there when it is closed, so that a file is whole or absent; after an interruption those
 * that the journal says were closed are read and stay if they are what was written. The others are made
 * again.
 *
 * @throws LabError `run/unavailable` when the permission was taken back, `engine/write-failed` when
 * the disk refuses, and whatever the streams throw
 */
export async function saveToFolder(
  files: readonly OutputFile[],
  folder: FileSystemDirectoryHandle,
  { journal, onStored, signal }: FolderSave,
): Promise<void> {
  for (const file of files) {
    const isClosed = journal.closedPaths.includes(file.path);
    const checksum = isClosed ? journal.checksums.get(file.path) : undefined;
    if (checksum !== undefined && (await isIntact(folder, file, checksum, onStored, signal))) {
      continue;
    }
    let madeBytes = 0;
    const made = await checksumStream();
    const target = await refusing(folder, async () => {
      const handle = await fileIn(folder, file.path, true);
      return handle.createWritable({ keepExistingData: false });
    });
    try {
      for await (const bytes of file.stream()) {
        await refusing(folder, async () => target.write(ownBytes(bytes)));
        made.update(bytes);
        madeBytes += bytes.byteLength;
        onStored(bytes.byteLength, false);
      }
      await refusing(folder, async () => target.close());
    } catch (error) {
      onStored(-madeBytes, false);
      await target.abort().catch(() => undefined);
      throw error;
    }
    await journal.onClosed(file.path, made.digestHex());
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

/** Whether a file is what was written; its bytes count as stored while they are gone through. */
async function isIntact(
  folder: FileSystemDirectoryHandle,
  { path, sizeBytes }: OutputFile,
  checksum: string,
  onStored: FolderSave['onStored'],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let keptBytes = 0;
  try {
    const kept = await (await fileIn(folder, path, false)).getFile();
    if (kept.size !== sizeBytes) return false;
    const found = await checksumStream();
    while (keptBytes < sizeBytes) {
      signal?.throwIfAborted();
      const piece = await kept.slice(keptBytes, keptBytes + keptPieceBytes).arrayBuffer();
      found.update(new Uint8Array(piece));
      keptBytes += piece.byteLength;
      onStored(piece.byteLength, true);
    }
    if (found.digestHex() === checksum) return true;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    // It is gone, or cannot be read: writing it says what is wrong.
  }
  onStored(-keptBytes, true);
  return false;
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
