import { failed, passed, quoted, type ScoreOutcome } from '../scorers/outcome';
import type { PythonOutcome } from './python-protocol';

/** Longest program that is run; a reply beyond it is no answer to a small task. */
const maxSourceChars = 64 * 1024;

/**
 * The program in a reply: the first fenced block if there is one, else the whole reply, trimmed and
 * without a final line of code-fence marks.
 */
export function pythonSourceOf(reply: string): string {
  const text = reply.slice(0, maxSourceChars).trim();
  const open = text.indexOf('```');
  if (open === -1) return text;
  const lineEnd = text.indexOf('\n', open);
  if (lineEnd === -1) return text.slice(0, open).trim();
  const close = text.indexOf('```', lineEnd);
  return text.slice(lineEnd + 1, close === -1 ? undefined : close).trim();
}

/** The verdict on a reply from what the sandbox found. */
export function scorePythonOutcome(outcome: PythonOutcome, testCount: number): ScoreOutcome {
  const error = [outcome.errorType, outcome.errorMessage].filter(Boolean).join(': ');
  switch (outcome.status) {
    case 'passed':
      return passed(
        testCount === 1 ? 'The code passes its test.' : `The code passes all ${testCount} tests.`,
      );
    case 'failed-test':
      return failed(
        outcome.errorType === 'AssertionError'
          ? `The test ${quoted(outcome.failedTest ?? '')} does not hold.`
          : `The test ${quoted(outcome.failedTest ?? '')} ends with ${quoted(error)}.`,
      );
    case 'failed-source':
      return failed(`The code does not run: ${quoted(error)}.`);
    case 'timeout':
      return failed(`The code took longer than ${(outcome.elapsedMs / 1000).toFixed(1)} s.`);
    case 'crashed':
      return failed('The code broke the Python interpreter.');
  }
}
