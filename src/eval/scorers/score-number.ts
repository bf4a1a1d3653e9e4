import { failed, passed, quoted, type ScoreOutcome } from './outcome';

/**
 * The last number written in `text`, or undefined.
 *
 * As GSM8K's flexible extraction in lm-evaluation-harness 0.4.9.1 does: a comma between groups of
 * three digits is a thousands mark, a point needs digits after it (so a final full stop is none). A
 * minus counts as a sign only where no letter, digit or closing bracket stands right before it, so
 * "12-5" ends in 5 and "= -5" in -5. Runs in time linear in the text.
 */
export function lastNumber(text: string): number | undefined {
  let last: RegExpExecArray | undefined;
  for (const match of text.matchAll(/(\d{1,3}(?:,\d{3})+(?!\d)|\d+)(\.\d+)?/g)) last = match;
  if (last === undefined) return undefined;
  const magnitude = Number(last[0].replaceAll(',', ''));
  const before = text.slice(Math.max(0, last.index - 2), last.index);
  const isNegative = /(?:^|[^\p{L}\p{N})\]])[-\u2212]$/u.test(before);
  return isNegative ? -magnitude : magnitude;
}

/** Passes when the last number in the reply equals `answer`. */
export function scoreNumber(answer: number, reply: string): ScoreOutcome {
  const found = lastNumber(reply);
  if (found === undefined) {
    return failed(`The reply ${quoted(reply.trim())} has no number; ${String(answer)} is right.`);
  }
  // `===` on purpose: -0 and 0 are the same answer.
  return found === answer
    ? passed(`The last number in the reply is ${String(answer)}.`)
    : failed(`The last number in the reply is ${String(found)}; ${String(answer)} is right.`);
}
