import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Allocate } from '../formats/checkpoint-reader';
import type { ModelFile, ModelFiles } from './model-files';
import { checkRange, missingFile, readFailed } from './read-range';

/**
 * A model folder on disk, for the command line. Files are opened at their first read and closed by
 * `close`. Subfolders count (`onnx/…`), hidden ones do not.
 *
 * @param label a short name for messages; the last part of the path is usual
 * @throws LabError `source/missing-file` when there is no such folder, `source/read-failed`
 */
export async function openNodeFolder(
  folder: string,
  label: string,
): Promise<ModelFiles & { close(): Promise<void> }> {
  const paths = await listFiles(folder, label);
  const opened: NodeFile[] = [];
  const files = new Map<string, ModelFile>();
  for (const path of paths) {
    const absolute = join(folder, path);
    const { size } = await stat(absolute).catch((cause: unknown) => {
      throw readFailed(`${label}/${path}`, cause);
    });
    const file = new NodeFile(absolute, `${label}/${path}`, path, size);
    opened.push(file);
    files.set(path, file);
  }
  return {
    label,
    files,
    close: async () => {
      await Promise.all(opened.map(async (file) => file.close()));
    },
  };
}

/**
 * One file on disk as a folder that holds nothing else, such as weights without a config.
 * @throws LabError `source/missing-file` when there is no such file, `source/read-failed`
 */
export async function openNodeFile(
  path: string,
  label: string,
): Promise<ModelFiles & { close(): Promise<void> }> {
  const name = basename(path);
  const { size } = await stat(path).catch((cause: unknown) => {
    throw isMissing(cause) ? missingFile(dirname(path), name) : readFailed(label, cause);
  });
  const file = new NodeFile(path, label, name, size);
  return { label, files: new Map([[name, file]]), close: async () => file.close() };
}

async function listFiles(folder: string, label: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
      .sort();
  } catch (cause) {
    throw isMissing(cause)
      ? missingFile(label, 'files: it does not exist')
      : readFailed(label, cause);
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

class NodeFile implements ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #absolute: string;
  readonly #fileName: string;
  #handle: Promise<FileHandle> | undefined;

  constructor(absolute: string, fileName: string, path: string, sizeBytes: number) {
    this.#absolute = absolute;
    this.#fileName = fileName;
    this.path = path;
    this.sizeBytes = sizeBytes;
  }

  async read(
    offsetBytes: number,
    lengthBytes: number,
    signal?: AbortSignal,
    allocate: Allocate = (sizeBytes) => new Uint8Array(sizeBytes),
  ): Promise<Uint8Array> {
    signal?.throwIfAborted();
    checkRange(this.#fileName, this.sizeBytes, offsetBytes, lengthBytes);
    const bytes = allocate(lengthBytes);
    let filledBytes = 0;
    try {
      this.#handle ??= open(this.#absolute, 'r');
      const handle = await this.#handle;
      while (filledBytes < lengthBytes) {
        const { bytesRead } = await handle.read(
          bytes,
          filledBytes,
          lengthBytes - filledBytes,
          offsetBytes + filledBytes,
        );
        if (bytesRead === 0) break;
        filledBytes += bytesRead;
      }
    } catch (cause) {
      this.#handle = undefined;
      throw readFailed(this.#fileName, cause);
    }
    signal?.throwIfAborted();
    // The file may have been cut since it was listed.
    checkRange(this.#fileName, offsetBytes + filledBytes, offsetBytes, lengthBytes);
    return bytes;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle?.catch(() => undefined))?.close();
  }
}
