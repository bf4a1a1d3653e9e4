import { failed, passed, quoted, type ScoreOutcome } from './outcome';

/**
 * The option a reply names, as a lower-case letter, or undefined.
 *
 * Read are "b", "(b)", "b.", "b) text", "(b) text", "b: text". A letter followed by a blank is not an
 * option ("a dog is ..."), and a reply that lists a second option names none.
 */
export function chosenOption(reply: string): string | undefined {
  const given = reply.trim();
  const first = /^(?:\(([a-z])\)|([a-z])(?:[).:]|$))/iu.exec(given);
  const option = (first?.[1] ?? first?.[2])?.toLowerCase();
  if (first === null || option === undefined) return undefined;
  const rest = given.slice(first[0].length);
  for (const other of rest.matchAll(/(?<![\p{L}\p{N}])([a-z])\)/giu)) {
    if (other[1]?.toLowerCase() !== option) return undefined;
  }
  return option;
}

/** Passes when the reply names option `answer` and no other. */
export function scoreChoice(answer: string, reply: string): ScoreOutcome {
  const expected = answer.toLowerCase();
  const option = chosenOption(reply);
  if (option === undefined) {
    return failed(
      `The reply ${quoted(reply.trim())} names no single option; (${expected}) is right.`,
    );
  }
  return option === expected
    ? passed(`The reply names option (${expected}).`)
    : failed(`The reply names option (${option}); (${expected}) is right.`);
}
