/**
 * Every failure a person can meet, as a stable code. Scripts and tests rely on these texts: append,
 * never rename.
 */
export type LabErrorCode =
  | 'cli/usage'
  | 'engine/unsupported'
  | 'engine/write-failed'
  | 'eval/bad-item'
  | 'eval/python-failed'
  | 'expr/invalid'
  | 'format/bad-config'
  | 'format/bad-dtype'
  | 'format/bad-header'
  | 'format/bad-index'
  | 'format/bad-offset'
  | 'format/bad-tokenizer'
  | 'format/too-large'
  | 'format/truncated'
  | 'gpu/lost'
  | 'gpu/out-of-memory'
  | 'gpu/unavailable'
  | 'hub/bad-name'
  | 'hub/changed'
  | 'hub/exists'
  | 'hub/gated'
  | 'hub/not-found'
  | 'hub/rate-limited'
  | 'hub/unavailable'
  | 'hub/wrong-hash'
  | 'model/bad-output'
  | 'model/run-failed'
  | 'model/too-large'
  | 'model/unsupported'
  | 'recipe/bad-value'
  | 'recipe/licence'
  | 'recipe/missing-model'
  | 'recipe/missing-parameter'
  | 'recipe/shape-mismatch'
  | 'recipe/syntax'
  | 'recipe/unknown-key'
  | 'recipe/unknown-method'
  | 'run/source-changed'
  | 'run/unavailable'
  | 'source/missing-file'
  | 'source/network'
  | 'source/read-failed'
  | 'store/corrupt'
  | 'store/denied'
  | 'store/lost'
  | 'store/quota'
  | 'url/bad-state'
  | 'wasm/out-of-memory'
  | 'worker/crashed';

/** Plain JSON facts about a failure: sizes, tensor names, lines, statuses. Never a token or a key. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The one error class of the lab. `message` is a sentence for a person: it names the file, tensor,
 * line or field and ends with what to do next.
 */
export class LabError extends Error {
  readonly code: LabErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: LabErrorCode,
    message: string,
    options: { details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LabError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether `value` is how an aborted operation rejects; such a rejection is never shown as an error. */
export function isAbort(value: unknown): boolean {
  return value instanceof Error && value.name === 'AbortError';
}

/** The sentence to show for anything that was thrown. */
export function sentenceOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}

/**
 * States what only a bug of our own can violate.
 * @throws Error (not a LabError) when `condition` is false
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (condition === false || condition === undefined || condition === null || condition === 0) {
    throw new Error(`MergeLab bug: ${message}`);
  }
}
