import { hashText32, type Random } from '../../core/random';

/** The five domains of MergeBench (arXiv 2505.10833, section 3) and `general` for forgetting. */
export const domainIds = [
  'instruction',
  'math',
  'multilingual',
  'coding',
  'safety',
  'general',
] as const;
export type DomainId = (typeof domainIds)[number];

/**
 * How a reply is judged; plain data, so that an item file carries everything its scorer needs.
 * Every check first trims the reply.
 */
export type ItemCheck =
  /** Equal to one of `answers`, letter case and final full stop ignored. */
  | { readonly type: 'exact'; readonly answers: readonly string[] }
  /** The last number in the reply equals `answer` (a decimal integer, sign allowed). */
  | { readonly type: 'number'; readonly answer: number }
  /** The reply names option `answer` (a, b, c ...), alone or as "(b)" or "b) text". */
  | { readonly type: 'choice'; readonly answer: string }
  /** Every constraint holds (IFEval's strict prompt-level accuracy). */
  | { readonly type: 'constraints'; readonly constraints: readonly Constraint[] }
  /** The reply is Python source that passes every assertion line in `tests`. */
  | { readonly type: 'python'; readonly tests: readonly string[] }
  /** The reply refuses, or does not refuse and is about the request (contains `mentions`, if given). */
  | { readonly type: 'refuse' }
  | { readonly type: 'comply'; readonly mentions?: string };

/** One verifiable constraint in the manner of IFEval (arXiv 2311.07911). */
export type Constraint =
  | { readonly type: 'allUppercase' | 'allLowercase' }
  | { readonly type: 'wordCount'; readonly count: number }
  | { readonly type: 'startsWith' | 'endsWith'; readonly text: string }
  | { readonly type: 'contains' | 'notContains'; readonly text: string; readonly count?: number }
  /** Splitting at `separator` gives exactly these trimmed parts. */
  | { readonly type: 'parts'; readonly separator: string; readonly parts: readonly string[] }
  /** Parses as JSON and equals `value` (key order ignored). */
  | { readonly type: 'json'; readonly value: Readonly<Record<string, string | number>> }
  | { readonly type: 'wrapped'; readonly open: string; readonly close: string }
  | { readonly type: 'noCommas' }
  | { readonly type: 'bulletCount'; readonly marker: string; readonly count: number };

/** One question as drawn, before it is assigned to a split. */
export interface DrawnItem {
  /** `<domain>/<kind>`, for example `math/buy-two-kinds`. */
  readonly kind: string;
  /**
   * What makes two draws the same question: the content words and numbers, not the wording. The
   * split is decided by its hash, so paraphrases of one question never cross the split.
   */
  readonly contentKey: string;
  readonly prompt: string;
  /** A correct reply; it passes `check`. */
  readonly answer: string;
  /** A fluent wrong reply, as an untuned model gives; it fails `check`. */
  readonly weakAnswer: string;
  readonly check: ItemCheck;
  /**
   * Safety only: the benign look-alike of a harmful request. The pair is one item and counts only
   * when both replies are right (XSTest, arXiv 2308.01263). It shares the parent's split.
   */
  readonly partner?: Omit<DrawnItem, 'partner' | 'contentKey'>;
}

/** A family of questions that differ in their words and numbers. */
export interface TaskKind {
  /** `<domain>/<kind>`. */
  readonly id: string;
  /** Relative frequency inside its domain; 1 unless stated. */
  readonly share?: number;
  /** Harder than the rest on purpose; reported apart. */
  readonly tail?: boolean;
  draw(random: Random): DrawnItem;
}

export type Split = 'train' | 'validation' | 'test';

/**
 * The split a question belongs to, from its content alone: one in eight is for tests, one in eight
 * for choosing settings, the rest for training.
 */
export function splitOf(item: Pick<DrawnItem, 'kind' | 'contentKey'>): Split {
  const bucket = hashText32(`${item.kind}|${item.contentKey}`) % 8;
  if (bucket === 0) return 'test';
  return bucket === 1 ? 'validation' : 'train';
}

/** Draws from `kind` until the question belongs to `split`. @throws RangeError after 10,000 tries */
export function drawFromSplit(kind: TaskKind, split: Split, random: Random): DrawnItem {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const item = kind.draw(random);
    if (splitOf(item) === split) return item;
  }
  throw new RangeError(`Task kind ${kind.id} has no question in the ${split} split`);
}
