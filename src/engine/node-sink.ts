import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isAbort, LabError, sentenceOf } from '../core/errors';
import { quoted } from '../formats/text';
import type { OutputFile } from './output-files';

/** Marks a folder as a merge, so that the next run may replace it. */
const markerFile = 'mergekit_config.yml';

/**
 * Writes a merged checkpoint to disk: into a hidden folder beside the target, which takes the
 * target's name when the last byte is written. A failure or an abort leaves no partial output. An
 * earlier merge in the target is replaced; any other folder with files in it is left alone.
 *
 * @throws LabError `cli/usage` when the target holds something else, `engine/write-failed` when the
 * disk cannot be written, and whatever the streams throw
 */
export async function writeFolder(
  files: readonly OutputFile[],
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const target = resolve(folder);
  await refuseForeignFolder(target, folder);
  let partial: string | undefined;
  try {
    await mkdir(dirname(target), { recursive: true });
    // Not `mkdtemp`: its folder would stay closed to others when it becomes the target.
    const hidden = join(dirname(target), `.${basename(target)}-partial-${randomUUID()}`);
    await mkdir(hidden);
    partial = hidden;
    for (const file of files) await writeFile(join(partial, file.path), file, signal);
    signal?.throwIfAborted();
    await moveInto(partial, target);
  } catch (error) {
    if (partial !== undefined) await rm(partial, { recursive: true, force: true });
    throw error instanceof LabError || isAbort(error) || signal?.aborted === true
      ? error
      : writeFailed(folder, error);
  }
}

async function refuseForeignFolder(target: string, shown: string): Promise<void> {
  const entries: string[] = await readdir(target).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return [];
    throw writeFailed(shown, cause);
  });
  if (entries.length === 0 || entries.includes(markerFile)) return;
  throw new LabError(
    'cli/usage',
    `The folder ${quoted(shown)} holds files that are no merge; choose another one or empty it first.`,
    { details: { folder: shown } },
  );
}

async function writeFile(
  path: string,
  file: OutputFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'wx');
  try {
    for await (const bytes of file.stream()) {
      signal?.throwIfAborted();
      await writeAll(handle, bytes);
    }
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, offset);
    offset += bytesWritten;
  }
}

/** Renames, with an earlier merge put aside first: a folder cannot replace one that has files. */
async function moveInto(partial: string, target: string): Promise<void> {
  const aside = `${partial}-old`;
  const hadOld = await rename(target, aside).then(
    () => true,
    (cause: unknown) => {
      if (errnoOf(cause) === 'ENOENT') return false;
      throw cause;
    },
  );
  try {
    await rename(partial, target);
  } catch (error) {
    if (hadOld) await rename(aside, target);
    throw error;
  }
  if (hadOld) await rm(aside, { recursive: true, force: true });
}

function writeFailed(folder: string, cause: unknown): LabError {
  return new LabError(
    'engine/write-failed',
    `The folder ${quoted(folder)} could not be written (${sentenceOf(cause)}); check its path, permissions and free space.`,
    { details: { folder, reason: errnoOf(cause) }, cause },
  );
}

function errnoOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
