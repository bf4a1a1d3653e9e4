import { ownBytes, refusing } from './disk-access';
import type { RunJournal } from './run-journal';
import type { ZipLayout } from './zip-archive';

/** What an interruption may cost before the file is put in place for the first time. */
const leastPutBytes = 256 << 20;

export interface ArchiveOptions {
  readonly journal: Pick<RunJournal, 'archive' | 'onArchived'>;
  /** Fewer new bytes than this are not put in place before the end. */
  readonly leastPutBytes?: number;
}

/**
 * A zip on disk that grows. The browser writes beside the file and puts the result in place when its
 * stream is closed, so that bytes which were not put in place are lost with the tab. The stream is
 * therefore closed and opened again after a whole file in the zip; as the browser copies what is there
 * each time, only when the zip has grown by half: copying costs at most three times its size.
 *
 * Until the end the zip lacks its list of files, so that no program takes it for a whole one.
 */
export class ArchiveFile {
  readonly #handle: FileSystemFileHandle;
  readonly #zip: ZipLayout;
  readonly #journal: ArchiveOptions['journal'];
  readonly #leastPutBytes: number;
  #stream: FileSystemWritableFileStream | undefined;
  #position = 0;
  #putBytes = 0;

  constructor(
    handle: FileSystemFileHandle,
    zip: ZipLayout,
    { journal, leastPutBytes: least = leastPutBytes }: ArchiveOptions,
  ) {
    this.#handle = handle;
    this.#zip = zip;
    this.#journal = journal;
    this.#leastPutBytes = least;
  }

  /** Bytes that are in place: they outlive the tab. */
  get putBytes(): number {
    return this.#putBytes;
  }

  /** What an earlier save put in place; empty where that is gone, or the file is another one. */
  async open(): Promise<Blob> {
    const mark = this.#journal.archive;
    if (mark === undefined) return new Blob();
    try {
      const file = await this.#handle.getFile();
      if (file.size !== mark.sizeBytes || file.lastModified !== mark.modifiedAtMs) {
        return new Blob();
      }
      this.#putBytes = file.size;
      return file;
    } catch {
      // It was deleted or cannot be read: writing says what is wrong, or makes it anew.
      return new Blob();
    }
  }

  /**
   * Takes the zip's next bytes, from its first on; those that are in place are not written again.
   * @throws LabError `run/unavailable`, `engine/write-failed`
   */
  async write(bytes: Uint8Array): Promise<void> {
    const fresh = bytes.subarray(Math.max(0, this.#putBytes - this.#position));
    if (fresh.byteLength > 0) {
      this.#stream ??= await this.#openStream();
      const stream = this.#stream;
      await refusing(this.#handle, async () => stream.write(ownBytes(fresh)));
    }
    this.#position += bytes.byteLength;
    if (this.#isWorthPutting()) await this.#put();
  }

  /** Puts the whole zip in place. */
  async finish(): Promise<void> {
    if (this.#position > this.#putBytes) await this.#put();
  }

  /** After a failure: puts the whole files in place that are not, if there are any. */
  async keepWholeFiles(): Promise<void> {
    const wholeBytes = this.#zip.entries.findLast(({ endAt }) => endAt <= this.#position)?.endAt;
    try {
      if (wholeBytes === undefined || wholeBytes <= this.#putBytes) return;
      await this.#stream?.truncate(wholeBytes);
      this.#position = wholeBytes;
      await this.#put();
    } catch {
      // What failed may have been this file; then that is told already.
    } finally {
      await this.discard();
    }
  }

  /** Leaves the file as it was put in place last. */
  async discard(): Promise<void> {
    await this.#stream?.abort().catch(() => undefined);
    this.#stream = undefined;
  }

  #isWorthPutting(): boolean {
    const newBytes = this.#position - this.#putBytes;
    if (newBytes < Math.max(this.#leastPutBytes, this.#putBytes / 2)) return false;
    return this.#zip.entries.some(({ endAt }) => endAt === this.#position);
  }

  async #openStream(): Promise<FileSystemWritableFileStream> {
    return refusing(this.#handle, async () => {
      const stream = await this.#handle.createWritable({ keepExistingData: this.#putBytes > 0 });
      await stream.seek(this.#putBytes);
      return stream;
    });
  }

  async #put(): Promise<void> {
    const modifiedAtMs = await refusing(this.#handle, async () => {
      await this.#stream?.close();
      this.#stream = undefined;
      return (await this.#handle.getFile()).lastModified;
    });
    this.#putBytes = this.#position;
    await this.#journal.onArchived({ sizeBytes: this.#putBytes, modifiedAtMs });
  }
}

/** Not in the DOM library of TypeScript, and not in every browser. */
interface RemovableHandle extends FileSystemFileHandle {
  remove?(): Promise<void>;
}

/** Deletes a zip that is not whole, or empties it where the browser cannot delete. */
export async function dropArchive(handle: RemovableHandle): Promise<void> {
  try {
    if (handle.remove !== undefined) await handle.remove();
    else await (await handle.createWritable({ keepExistingData: false })).close();
  } catch {
    // It is gone, or closed to us: there is nothing to do.
  }
}
