import { isAbort, LabError, sentenceOf } from '../core/errors';
import { quoted } from '../formats/text';

/**
 * Does something to a folder or file on disk that a person chose, and says in a sentence why it does
 * not work.
 * @throws LabError `run/unavailable` when the permission was taken back, `engine/write-failed` when
 * the disk refuses
 */
export async function refusing<T>(
  { kind, name }: FileSystemHandle,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    const what = `${kind === 'directory' ? 'folder' : 'file'} ${quoted(name)}`;
    const details = { name };
    if (cause instanceof DOMException && cause.name === 'NotAllowedError') {
      throw new LabError(
        'run/unavailable',
        `The browser does not allow to write to the ${what} any more; resume the run and allow it.`,
        { details, cause },
      );
    }
    throw new LabError(
      'engine/write-failed',
      `The ${what} could not be written (${sentenceOf(cause)}); check its free space, then resume the run.`,
      { details, cause },
    );
  }
}

/** Bytes that can be written: shared memory is not accepted everywhere. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  return own as Uint8Array<ArrayBuffer>;
}
