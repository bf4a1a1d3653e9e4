import type { LineCounter } from 'yaml';
import { LabError, type LabErrorCode } from '../core/errors';

/** A piece of the text, in UTF-16 units; `to` is the one after the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One thing that is wrong in a recipe's text. Warnings do not stop a merge. */
export interface RecipeProblem extends Span {
  readonly severity: 'error' | 'warning';
  readonly code: LabErrorCode;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** What is wrong and what to do, without the place. */
  readonly sentence: string;
}

/** More than this is noise: the first ones tell what happened. */
const maxProblemCount = 100;
/** Keys, tags and names from the text, which have no length of their own, are cut to this. */
const maxWordChars = 100;
/** The beginning and the end of a longer sentence are kept: what is wrong, and what to do. */
const maxSentenceChars = 1500;

/** Collects the problems of one text. */
export class ProblemList {
  readonly #lines: LineCounter;
  readonly #found: RecipeProblem[] = [];

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  error(code: LabErrorCode, span: Span, sentence: string): void {
    this.#add('error', code, span, sentence);
  }

  warning(code: LabErrorCode, span: Span, sentence: string): void {
    this.#add('warning', code, span, sentence);
  }

  /** From the top of the text down; at one place in the order they were found. */
  all(): readonly RecipeProblem[] {
    return this.#found.toSorted((left, right) => left.from - right.from);
  }

  #add(
    severity: RecipeProblem['severity'],
    code: LabErrorCode,
    { from, to }: Span,
    wholeSentence: string,
  ): void {
    const sentence = readable(wholeSentence);
    const isFull = this.#found.length >= maxProblemCount;
    const isKnown = this.#found.some(
      (problem) => problem.from === from && problem.sentence === sentence,
    );
    // An alias brings the same text, and so the same mistake, several times.
    if (isKnown || (isFull && severity === 'warning')) return;
    if (isFull && this.#found.some((problem) => problem.severity === 'error')) return;
    const { line, col } = this.#lines.linePos(from);
    this.#found.push({ severity, code, from, to, line, column: col, sentence });
  }
}

function readable(sentence: string): string {
  const cut = sentence.replaceAll(/\S{101,}/g, (word) => `${word.slice(0, maxWordChars - 1)}…`);
  if (cut.length <= maxSentenceChars) return cut;
  return `${cut.slice(0, maxSentenceChars - 200)} … ${cut.slice(-190)}`;
}

/** A problem as the error that a parser throws. @param label names the text, usually a file */
export function problemError(problem: RecipeProblem, label: string): LabError {
  const { code, line, column, sentence } = problem;
  return new LabError(code, `${label}, line ${line}, column ${column}: ${sentence}`, {
    details: { file: label, line, column },
  });
}
