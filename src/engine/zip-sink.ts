import { ArchiveFile, type ArchiveOptions } from './archive-file';
import type { OutputFile } from './output-files';
import type { ResumedSave } from './store-sink';
import { layOutZip, zipBytes, type ZipEntry } from './zip-archive';

/** Pieces in which what an earlier save wrote is gone through. */
const keptPieceBytes = 4 << 20;

export interface ZipSave extends ArchiveOptions {
  /** Holds all files in the zip. */
  readonly folder: string;
  /** The date of all files in the zip; the same whenever the save goes on. */
  readonly modifiedAtMs: number;
  readonly onStored: ResumedSave['onStored'];
  readonly signal?: AbortSignal | undefined;
  /** Asked after a failure: whether what is complete is going to be deleted anyway. */
  readonly isUnwanted?: () => boolean;
}

/**
 * Writes an output into one zip on disk; nothing of it is stored elsewhere. After an interruption the
 * zip goes on after the last whole file that was put in place; those before are read again, for the
 * zip ends with their checksums, but not made again.
 *
 * @throws LabError as `ArchiveFile`, and whatever the streams throw
 */
export async function saveToZip(
  files: readonly OutputFile[],
  handle: FileSystemFileHandle,
  { folder, modifiedAtMs, onStored, signal, isUnwanted, ...options }: ZipSave,
): Promise<void> {
  const zip = layOutZip(files, folder);
  const archive = new ArchiveFile(handle, zip, options);
  const old = await archive.open();
  const madeEntries = zip.entries.filter(({ endAt }) => endAt > old.size);
  let madeBytes = 0;
  async function* contentOf(entry: ZipEntry): AsyncGenerator<Uint8Array, void, undefined> {
    const isKept = entry.endAt <= old.size;
    for await (const bytes of isKept ? contentIn(old, entry) : entry.file.stream()) {
      signal?.throwIfAborted();
      if (!isKept) madeBytes += bytes.byteLength;
      onStored(bytes.byteLength, isKept);
      yield bytes;
    }
  }
  try {
    for await (const bytes of zipBytes(zip, contentOf, modifiedAtMs)) await archive.write(bytes);
    await archive.finish();
  } catch (error) {
    if (isUnwanted?.() === true) await archive.discard();
    else await archive.keepWholeFiles();
    const put = madeEntries.filter(({ endAt }) => endAt <= archive.putBytes);
    onStored(put.reduce((sum, { file }) => sum + file.sizeBytes, 0) - madeBytes, false);
    throw error;
  }
}

async function* contentIn(
  old: Blob,
  { contentAt, file: { sizeBytes } }: ZipEntry,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < sizeBytes; offset += keptPieceBytes) {
    const end = Math.min(offset + keptPieceBytes, sizeBytes);
    const piece = old.slice(contentAt + offset, contentAt + end);
    yield new Uint8Array(await piece.arrayBuffer());
  }
}
