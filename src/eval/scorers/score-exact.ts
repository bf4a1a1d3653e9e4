import { failed, passed, quoted, type ScoreOutcome } from './outcome';

/** Trimmed, Unicode-composed, lower case, runs of white space as one blank, no final full stop. */
function normalise(text: string): string {
  return text
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replaceAll(/\s+/gu, ' ')
    .replace(/ ?[.。]$/u, '');
}

/** Passes when the reply equals one of `answers`, letter case and a final full stop ignored. */
export function scoreExact(answers: readonly string[], reply: string): ScoreOutcome {
  const given = reply.trim();
  const expected = answers[0] ?? '';
  const longestAnswer = answers.reduce((longest, answer) => Math.max(longest, answer.length), 0);
  // Normalising cannot shorten text by more than white space and accents; a far longer reply is wrong.
  if (given.length > 16 * longestAnswer + 1024) {
    return failed(`The reply is far longer than the expected answer ${quoted(expected)}.`);
  }
  const normalised = normalise(given);
  const match = answers.find((answer) => normalise(answer) === normalised);
  if (match !== undefined && normalised !== '') {
    return passed(`The reply is the expected answer ${quoted(match)}.`);
  }
  return failed(
    `The reply ${quoted(given)} is not the expected answer ${quoted(expected)}${
      answers.length > 1 ? ` or one of ${String(answers.length - 1)} accepted variants` : ''
    }.`,
  );
}
