import type { EvalItem, ItemPart } from './mix-items';
import type { TrainingRecord } from './mix-record';
import { formatPrompt } from './mix-record';

/** Answers shorter than this many characters ("Monday", "12") are facts that all splits share. */
const telltaleLength = 12;

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function normalise(text: string): string {
  return wordsOf(text).join(' ');
}

/**
 * Keeps held-out questions out of training text, on top of the split by content: no training prompt
 * equals a held-out one, and no plain line holds a held-out prompt or a held-out answer of 12
 * characters or more that is not also a training answer of its kind.
 */
export class HeldOutGuard {
  readonly #prompts = new Set<string>();
  readonly #byFirstWords = new Map<string, string[]>();

  /**
   * @param heldOut test and validation items
   * @param commonAnswers replies that many questions share ("I cannot help with that.")
   */
  constructor(heldOut: Iterable<EvalItem>, commonAnswers: ReadonlySet<string>) {
    for (const item of heldOut) {
      for (const part of item.partner ? [item, item.partner] : [item]) {
        this.#add(part, commonAnswers);
      }
    }
  }

  #add(part: ItemPart, commonAnswers: ReadonlySet<string>): void {
    this.#prompts.add(formatPrompt(part.prompt));
    this.#addText(part.prompt);
    if (part.answer.length >= telltaleLength && !commonAnswers.has(part.answer)) {
      this.#addText(part.answer);
    }
  }

  #addText(text: string): void {
    const words = wordsOf(text);
    const key = words.slice(0, 2).join(' ');
    const known = this.#byFirstWords.get(key);
    if (known === undefined) this.#byFirstWords.set(key, [words.join(' ')]);
    else known.push(words.join(' '));
  }

  /** Whether the record may be trained on. */
  allows(record: TrainingRecord): boolean {
    if (record.prefix !== '') return !this.#prompts.has(record.prefix);
    return !this.holdsHeldOutText(record.completion);
  }

  /** Whether `text` contains a held-out prompt or telltale answer, by its words. */
  holdsHeldOutText(text: string): boolean {
    const words = wordsOf(text);
    const line = ` ${normalise(text)} `;
    for (let index = 0; index < words.length; index++) {
      const two = words.slice(index, index + 2).join(' ');
      for (const key of index + 1 < words.length ? [two] : [words[index] ?? '']) {
        const candidates = this.#byFirstWords.get(key) ?? [];
        if (candidates.some((candidate) => line.includes(` ${candidate} `))) return true;
      }
    }
    return false;
  }
}
