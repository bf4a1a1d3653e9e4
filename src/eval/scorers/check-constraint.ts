import type { Constraint } from '../tasks/task';
import { quoted } from './outcome';
import { countOccurrences, countWords, foldCase, isWordBoundary } from './words';

/**
 * What is wrong with `text` under one constraint, as a clause ("it has 4 words instead of 5"), or
 * undefined when the constraint holds.
 *
 * Semantics follow IFEval (arXiv 2311.07911) as in lm-evaluation-harness 0.4.9.1, strict variant:
 * `isupper`/`islower` need a cased letter; start and end phrases ignore letter case, and an end
 * phrase may stand before closing quotation marks; JSON may stand in a code fence. We differ in
 * two points: keywords, start and end phrases match whole words only, as the prompts ask for words,
 * and counts are exact.
 *
 * @param text the trimmed, not empty reply
 */
export function violationOf(constraint: Constraint, text: string): string | undefined {
  switch (constraint.type) {
    case 'allUppercase':
      if (!/\p{Lu}/u.test(text)) return 'it has no capital letter';
      return /\p{Ll}|\p{Lt}/u.test(text) ? 'it is not all in capitals' : undefined;
    case 'allLowercase':
      if (!/\p{Ll}/u.test(text)) return 'it has no lower-case letter';
      return /\p{Lu}|\p{Lt}/u.test(text) ? 'it is not all in lower case' : undefined;
    case 'wordCount':
      return differs(countWords(text), constraint.count, 'word');
    case 'startsWith':
      return startsWith(text, constraint.text)
        ? undefined
        : `it does not start with ${quoted(constraint.text)}`;
    case 'endsWith':
      return endsWith(text, constraint.text)
        ? undefined
        : `it does not end with ${quoted(constraint.text)}`;
    case 'contains':
      return missing(countOccurrences(text, constraint.text), constraint.text, constraint.count);
    case 'notContains': {
      const count = countOccurrences(text, constraint.text);
      return count >= (constraint.count ?? 1)
        ? `it contains ${quoted(constraint.text)} ${times(count)}`
        : undefined;
    }
    case 'parts':
      return partsViolation(text, constraint.separator, constraint.parts);
    case 'json':
      return jsonViolation(text, constraint.value);
    case 'wrapped':
      return isWrapped(text, constraint.open, constraint.close)
        ? undefined
        : `it is not wrapped in ${constraint.open} and ${constraint.close}`;
    case 'noCommas':
      return text.includes(',') ? 'it contains a comma' : undefined;
    case 'bulletCount':
      return differs(countBullets(text, constraint.marker), constraint.count, 'bullet line');
  }
}

/** The demand of one constraint as a clause after "the reply", for the reason of a pass. */
export function demandOf(constraint: Constraint): string {
  switch (constraint.type) {
    case 'allUppercase':
      return 'is all in capitals';
    case 'allLowercase':
      return 'is all in lower case';
    case 'wordCount':
      return `has ${plural(constraint.count, 'word')}`;
    case 'startsWith':
      return `starts with ${quoted(constraint.text)}`;
    case 'endsWith':
      return `ends with ${quoted(constraint.text)}`;
    case 'contains':
      return constraint.count === undefined
        ? `contains ${quoted(constraint.text)}`
        : `contains ${quoted(constraint.text)} ${times(constraint.count)}`;
    case 'notContains':
      return `avoids ${quoted(constraint.text)}`;
    case 'parts':
      return `has the ${plural(constraint.parts.length, 'part')} asked for`;
    case 'json':
      return 'is the JSON object asked for';
    case 'wrapped':
      return `is wrapped in ${constraint.open} and ${constraint.close}`;
    case 'noCommas':
      return 'has no comma';
    case 'bulletCount':
      return `has ${plural(constraint.count, 'bullet line')}`;
  }
}

function plural(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${String(count)} times`;
}

function differs(found: number, wanted: number, noun: string): string | undefined {
  return found === wanted
    ? undefined
    : `it has ${plural(found, noun)} instead of ${String(wanted)}`;
}

function missing(found: number, text: string, wanted: number | undefined): string | undefined {
  if (found === 0 && wanted !== 0) return `it does not contain ${quoted(text)}`;
  if (wanted === undefined || found === wanted) return undefined;
  return `it contains ${quoted(text)} ${times(found)} instead of ${times(wanted)}`;
}

function startsWith(text: string, phrase: string): boolean {
  const folded = foldCase(text);
  const wanted = foldCase(phrase.trim());
  return folded.startsWith(wanted) && isWordBoundary(folded, wanted.length);
}

function endsWith(text: string, phrase: string): boolean {
  const wanted = foldCase(phrase.trim());
  return [text, withoutClosingQuotes(text)].some((variant) => {
    const folded = foldCase(variant);
    return folded.endsWith(wanted) && isWordBoundary(folded, folded.length - wanted.length);
  });
}

/** A loop, as a regular expression for a run before the end takes quadratic time on long runs. */
function withoutClosingQuotes(text: string): string {
  let end = text.length;
  while (end > 0 && '"”'.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end).trimEnd();
}

function partsViolation(
  text: string,
  separator: string,
  parts: readonly string[],
): string | undefined {
  const found = text.split(separator).map((part) => part.trim());
  if (found.length !== parts.length) {
    return differs(found.length, parts.length, 'part');
  }
  const wrongIndex = parts.findIndex((part, index) => part.trim() !== found[index]);
  if (wrongIndex === -1) return undefined;
  const wanted = parts[wrongIndex] ?? '';
  return `part ${String(wrongIndex + 1)} is ${quoted(found[wrongIndex] ?? '')} instead of ${quoted(wanted)}`;
}

function jsonViolation(
  text: string,
  value: Readonly<Record<string, string | number>>,
): string | undefined {
  const body = text
    .replace(/^```(?:json)?/iu, '')
    .replace(/```$/u, '')
    .trim();
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return 'it is not valid JSON';
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return 'it is not a JSON object';
  }
  const found = new Map<string, unknown>(Object.entries(parsed));
  for (const [key, wanted] of Object.entries(value)) {
    if (!found.has(key)) return `its JSON has no key ${quoted(key)}`;
    if (found.get(key) !== wanted) return `its JSON value of ${quoted(key)} is wrong`;
    found.delete(key);
  }
  const [extra] = found.keys();
  return extra === undefined ? undefined : `its JSON has the extra key ${quoted(extra)}`;
}

function isWrapped(text: string, open: string, close: string): boolean {
  if (text.length < open.length + close.length) return false;
  if (!text.startsWith(open) || !text.endsWith(close)) return false;
  return text.slice(open.length, text.length - close.length).trim() !== '';
}

function countBullets(text: string, marker: string): number {
  return text.split('\n').filter((line) => {
    const start = line.trimStart();
    return start.startsWith(marker) && start.slice(marker.length).trim() !== '';
  }).length;
}
