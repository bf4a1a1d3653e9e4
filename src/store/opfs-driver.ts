import type { ChunkBody, ChunkDriver } from './chunk-driver';
import { nameOf } from './problems';
import type { ChunkRecord, FileRecord } from './schema';
import { hasSyncAccess, withSyncAccess, type SyncAccessHandle } from './sync-access';

/**
 * One file of the origin private file system per stored file, named by its generation; chunk i lies
 * at i times the chunk size. Bytes are flushed before the catalogue lists them, so what a crash
 * leaves is never listed; files that no record names are swept away at the next start.
 *
 * A Web Lock per file keeps writers apart from readers in all tabs and workers, and every handle is
 * closed before its lock is released: no context ever waits for another one's idle handle.
 */
export class OpfsDriver implements ChunkDriver {
  readonly id = 'opfs';
  readonly canWrite = hasSyncAccess();
  readonly #directoryName: string;

  /** @param databaseName keeps the files of different catalogues apart */
  constructor(databaseName: string) {
    this.#directoryName = `${databaseName}-chunks`;
  }

  async write(file: FileRecord, index: number, bytes: Uint8Array): Promise<ChunkBody> {
    const directory = await this.#directory(true);
    await navigator.locks.request(lockName(file), async () => {
      const entry = await directory.getFileHandle(file.generation, { create: true });
      await withSyncAccess(entry, 'readwrite', (handle) => {
        writeWhole(handle, bytes, index * file.chunkSizeBytes);
        handle.flush();
      });
    });
    return {};
  }

  async read(
    file: FileRecord,
    chunk: ChunkRecord,
    lengthBytes: number,
    into: Uint8Array | undefined,
  ): Promise<Uint8Array> {
    const directory = await this.#directory(false);
    return navigator.locks.request(lockName(file), { mode: 'shared' }, async () => {
      const entry = await directory.getFileHandle(file.generation);
      if (this.canWrite) {
        try {
          return await readAtOnce(entry, chunk.offsetBytes, into ?? new Uint8Array(lengthBytes));
        } catch (cause) {
          // Another reader, in a browser where a handle excludes all others.
          if (nameOf(cause) !== 'NoModificationAllowedError') throw cause;
        }
      }
      const slice = (await entry.getFile()).slice(
        chunk.offsetBytes,
        chunk.offsetBytes + lengthBytes,
      );
      const bytes = new Uint8Array(await slice.arrayBuffer());
      if (into === undefined || bytes.byteLength !== lengthBytes) return bytes;
      into.set(bytes);
      return into;
    });
  }

  async drop(file: FileRecord): Promise<void> {
    await this.#remove(file.generation);
  }

  async sweep(listed: () => Promise<readonly FileRecord[] | undefined>): Promise<void> {
    let directory: FileSystemDirectoryHandle;
    try {
      directory = await this.#directory(false);
    } catch {
      return;
    }
    const names: string[] = [];
    for await (const name of directory.keys()) names.push(name);
    // A file is made after its record, so a file that was there before the records were read and is
    // in none of them belongs to nobody.
    const records = await listed();
    if (records === undefined) return;
    const known = new Set(records.map(({ generation }) => generation));
    for (const name of names) {
      if (!known.has(name)) await this.#remove(name);
    }
  }

  /** A file that is open somewhere stays until the next sweep. */
  async #remove(name: string): Promise<void> {
    try {
      await (await this.#directory(false)).removeEntry(name);
    } catch {
      // Locked, or gone already.
    }
  }

  async #directory(create: boolean): Promise<FileSystemDirectoryHandle> {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(this.#directoryName, { create });
  }
}

/**
 * Writes all bytes or none. A part that was written may have taken the last byte of the disk, which the
 * catalogue must not lack: Chromium 156 drops a database that it cannot write to.
 * @throws DOMException `QuotaExceededError`
 */
function writeWhole(handle: SyncAccessHandle, bytes: Uint8Array, at: number): void {
  const sizeBytes = handle.getSize();
  try {
    // Chromium 156 throws, returns how much it wrote, or 4294967288, the -8 of its "no space".
    if (handle.write(bytes, { at }) === bytes.byteLength) return;
    throw new DOMException('the file could not grow', 'QuotaExceededError');
  } catch (cause) {
    handle.truncate(sizeBytes);
    throw cause;
  }
}

async function readAtOnce(
  entry: FileSystemFileHandle,
  offsetBytes: number,
  target: Uint8Array,
): Promise<Uint8Array> {
  return withSyncAccess(entry, 'read-only', (handle) => {
    const readBytes = handle.read(target, { at: offsetBytes });
    return target.subarray(0, readBytes);
  });
}

function lockName(file: FileRecord): string {
  return `mergelab-opfs-${file.generation}`;
}
