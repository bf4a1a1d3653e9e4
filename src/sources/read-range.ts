import { LabError } from '../core/errors';
import { quoted, shownBytes } from '../formats/text';

/**
 * Refuses a range that does not lie inside a file, before anything is read.
 * @throws LabError `format/truncated`
 */
export function checkRange(
  fileName: string,
  fileSizeBytes: number,
  offsetBytes: number,
  lengthBytes: number,
): void {
  const fits =
    Number.isSafeInteger(offsetBytes) &&
    Number.isSafeInteger(lengthBytes) &&
    offsetBytes >= 0 &&
    lengthBytes >= 0 &&
    offsetBytes + lengthBytes <= fileSizeBytes;
  if (fits) return;
  throw new LabError(
    'format/truncated',
    `${fileName} has ${shownBytes(fileSizeBytes)}, but bytes ${String(offsetBytes)} to ${String(offsetBytes + lengthBytes)} were needed; get the file again.`,
    { details: { file: fileName, sizeBytes: fileSizeBytes, offsetBytes, lengthBytes } },
  );
}

/** The error for bytes that should be there and cannot be read. */
export function readFailed(fileName: string, cause: unknown): LabError {
  return new LabError(
    'source/read-failed',
    `${fileName} could not be read; it may have been moved, changed or closed to this program, so choose its folder again.`,
    { details: { file: fileName }, cause },
  );
}

/** The error for a folder without a file that it needs. */
export function missingFile(label: string, path: string): LabError {
  return new LabError(
    'source/missing-file',
    `The folder ${quoted(label)} has no ${path}; choose a model folder in Hugging Face layout.`,
    { details: { folder: label, file: path } },
  );
}
