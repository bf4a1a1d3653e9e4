import { LabError, type LabErrorCode } from '../core/errors';

/** Something about the inputs that a person should know before they merge. */
export interface Finding {
  /** An error stops the merge; a warning says what is probably not meant; a note only informs. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly code: LabErrorCode;
  /** Names models and tensor, and ends with what to do. */
  readonly sentence: string;
  readonly models: readonly string[];
  readonly tensor?: string | undefined;
}

/**
 * Throws the first error among findings as what it is.
 * @throws LabError with the finding's code; `details` count the others
 */
export function throwFirstError(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error');
  const [first] = errors;
  if (first === undefined) return;
  const more = errors.length > 1 ? ` (${errors.length - 1} more like this.)` : '';
  throw new LabError(first.code, `${first.sentence}${more}`, {
    details: {
      errorCount: errors.length,
      models: first.models.join(', '),
      tensor: first.tensor ?? null,
    },
  });
}
