import { LabError, type LabErrorCode } from '../core/errors';
import { quoted } from './text';

/** What is wrong with one tensor of a weights file, and what to do: read in a sentence after its name. */
export function tensorError(
  code: LabErrorCode,
  fileName: string,
  tensor: string,
  problem: string,
): LabError {
  return new LabError(
    code,
    `Tensor ${quoted(tensor)} in ${fileName} ${problem}; download or export the file again.`,
    { details: { file: fileName, tensor } },
  );
}
