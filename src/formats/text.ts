import { LabError, type LabErrorCode } from '../core/errors';

/** Names come from files we do not trust; a sentence shows at most this many characters of one. */
const maxShownCharacters = 80;

/** `text` in double quotes, control characters escaped and long text cut, for use in a sentence. */
export function quoted(text: string): string {
  const cut = text.length > maxShownCharacters ? `${text.slice(0, maxShownCharacters - 1)}…` : text;
  return JSON.stringify(cut);
}

/** `12 bytes`, `3.5 MB` (10^6 bytes) or `1.2 GB`, for sentences. */
export function shownBytes(sizeBytes: number): string {
  if (sizeBytes >= 1e9) return `${(sizeBytes / 1e9).toFixed(1)} GB`;
  if (sizeBytes >= 1e6) return `${(sizeBytes / 1e6).toFixed(1)} MB`;
  if (sizeBytes >= 1e4) return `${(sizeBytes / 1e3).toFixed(0)} kB`;
  return `${String(sizeBytes)} bytes`;
}

/**
 * Decodes UTF-8, refusing what is not.
 * @throws LabError with `code` when the bytes are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, fileName: string, code: LabErrorCode): string {
  try {
    // A shared buffer cannot be decoded in browsers, so the view is copied if it lies on one.
    const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(own);
  } catch (cause) {
    throw new LabError(
      code,
      `${fileName} holds text that is not UTF-8; download or export the file again.`,
      { details: { file: fileName }, cause },
    );
  }
}
