import { LabError, sentenceOf } from '../core/errors';
import { shownBytes } from '../formats/text';

/** Space used and allowed on this origin; both 0 where the browser does not tell. */
export interface StorageSpace {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /**
   * The browser hides the room there is behind a round number: Chromium says used + 10 GiB, or less on
   * small disks, whatever is free. Then only a failed write tells that the disk is full.
   */
  readonly isRounded?: boolean;
}

const gibibyte = 2 ** 30;

/** What is left of the quota; unbounded where the browser does not tell. */
export function freeBytesOf(space: StorageSpace): number {
  return space.quotaBytes === 0 ? Infinity : Math.max(0, space.quotaBytes - space.usedBytes);
}

/** Asks the browser; never fails. */
export async function storageSpace(): Promise<StorageSpace> {
  try {
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    const isRounded = quota > usage && (quota - usage) % gibibyte === 0;
    return { usedBytes: usage, quotaBytes: quota, ...(isRounded ? { isRounded } : {}) };
  } catch {
    // Old browsers, opaque origins and Node have no answer.
    return { usedBytes: 0, quotaBytes: 0 };
  }
}

/** The database cannot be opened: a private window, blocked cookies, or a newer tab. */
export function deniedError(cause: unknown): LabError {
  const remedy =
    nameOf(cause) === 'VersionError'
      ? 'Another tab runs a newer version of this page; reload this one to keep models between visits'
      : 'Nothing is kept between visits; leave the private window or allow site data to change that';
  return new LabError(
    'store/denied',
    `The browser gives this page no storage (${sentenceOf(cause)}). ${remedy}.`,
    { details: { reason: nameOf(cause) }, cause },
  );
}

/** The browser's storage is full. */
export function quotaError(space: StorageSpace, neededBytes: number, cause?: unknown): LabError {
  const numbers =
    space.quotaBytes === 0 || space.isRounded === true
      ? `${shownBytes(neededBytes)} more needed`
      : `${shownBytes(space.usedBytes)} of ${shownBytes(space.quotaBytes)} used, ${shownBytes(neededBytes)} more needed`;
  return new LabError(
    'store/quota',
    `The browser’s storage is full (${numbers}), so this is not kept; delete stored models or free disk space.`,
    { details: { ...space, neededBytes }, cause },
  );
}

/** A file that is not a mere copy could not be stored. */
export function notStoredError(fileKey: string, sizeBytes: number, isOpen: boolean): LabError {
  return new LabError(
    isOpen ? 'store/quota' : 'store/denied',
    isOpen
      ? 'The browser’s storage has no room for the model; delete stored models, free disk space, or save to a folder instead.'
      : 'The browser gives this page no storage for the model; leave the private window, or save to a folder instead.',
    { details: { file: fileKey, sizeBytes } },
  );
}

/** Bytes came back other than they were written. */
export function corruptError(fileKey: string, index: number, cause?: unknown): LabError {
  return new LabError(
    'store/corrupt',
    `Stored chunk ${index} of ${fileKey} is damaged and was dropped, so load it again.`,
    { details: { file: fileKey, chunk: index }, cause },
  );
}

/** A whole file came other than its name promises. */
export function wrongHashError(fileKey: string, foundHash: string): LabError {
  return new LabError(
    'hub/wrong-hash',
    `The file that should be ${fileKey} arrived with other content, so it was dropped; try again, and if it happens again the source is damaged.`,
    { details: { file: fileKey, found: foundHash } },
  );
}

/**
 * Whether a write failed for want of space. Chromium may report it only as an aborted transaction, and
 * a disk that other programs filled as blobs that it failed to write.
 */
export function isQuotaFailure(cause: unknown): boolean {
  if (['QuotaExceededError', 'AbortError'].includes(nameOf(cause))) return true;
  return nameOf(cause) === 'DataError' && sentenceOf(cause).includes('Failed to write blobs');
}

/** The name of a DOMException or error, which is what tells IndexedDB's failures apart. */
export function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : 'unknown';
}
