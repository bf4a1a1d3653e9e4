import { isAbsent, type Located, type LocatedMap } from './located';
import { nearestName } from './nearest-name';
import type { ProblemList, Span } from './problem';
import { recipeKeyTable, type RecipePlaceKind } from './recipe-keys';
import type { RecipeVocabulary } from './vocabulary';

/** How strictly, and against what, a recipe is read. */
export interface RecipeOptions {
  /** Unknown keys and parameters become warnings and are left out, as mergekit leaves them out. */
  readonly lenient?: boolean;
  /** Without it, names of methods and parameters are not checked. */
  readonly vocabulary?: RecipeVocabulary;
}

/** The keys of one mapping that are known and have a value. */
export type Fields = ReadonlyMap<string, Located>;

/** What every reader of a part of a recipe is handed. */
export class Reading {
  readonly problems: ProblemList;
  readonly vocabulary: RecipeVocabulary | undefined;
  readonly #isLenient: boolean;
  /** Set once the recipe's method is read. */
  method: string | undefined;
  /** Every model that is named so far; a path may be the name of another document. */
  readonly references: { readonly path: string; readonly span: Span }[] = [];

  constructor(problems: ProblemList, options: RecipeOptions) {
    this.problems = problems;
    this.vocabulary = options.vocabulary;
    this.#isLenient = options.lenient === true;
  }

  /**
   * The fields of a mapping; unknown keys are reported and left out. A misspelt key counts as
   * present for `lacks`, so that one mistake makes one problem.
   */
  fields(map: LocatedMap, kind: RecipePlaceKind): Fields {
    const known = Object.keys(recipeKeyTable[kind]);
    const fields = new Map<string, Located>();
    for (const { key, keySpan, value } of map.entries) {
      if (known.includes(key)) {
        if (!isAbsent(value)) fields.set(key, value);
        continue;
      }
      const isMisplacedRange = kind === 'model' && key === 'layer_range';
      this.unknown(
        keySpan,
        isMisplacedRange
          ? 'layer_range does nothing under models. Use slices with sources instead.'
          : `the key ${shortened(key)} is not known. ${this.hint(key, known)}`,
      );
    }
    return fields;
  }

  /** Whether a mapping lacks a key and has none that was meant to be it. */
  lacks(map: LocatedMap, fields: Fields, key: string, kind: RecipePlaceKind): boolean {
    if (fields.has(key)) return false;
    const known = Object.keys(recipeKeyTable[kind]);
    if (this.#isLenient) return true;
    return !map.entries.some((entry) => {
      return !known.includes(entry.key) && nearestName(entry.key, known) === key;
    });
  }

  hint(name: string, known: readonly string[]): string {
    const meant = nearestName(name, known);
    if (meant !== undefined) return `Use ${meant}.`;
    return known.length > 16 ? 'Remove it.' : `Known are ${known.join(', ')}.`;
  }

  /** Something that mergekit would ignore in silence. */
  unknown(span: Span, sentence: string): void {
    if (this.#isLenient) this.problems.warning('recipe/unknown-key', span, sentence);
    else this.problems.error('recipe/unknown-key', span, sentence);
  }

  badValue(span: Span, sentence: string): void {
    this.problems.error('recipe/bad-value', span, sentence);
  }

  /** A text that is not empty, or `undefined` when the key is absent or wrong. */
  text(node: Located | undefined, key: string): string | undefined {
    if (isAbsent(node)) return undefined;
    if (node.kind === 'scalar' && typeof node.value === 'string' && node.value !== '') {
      return node.value;
    }
    const quoted =
      node.kind === 'scalar' && typeof node.value !== 'string'
        ? ' Put it in quotation marks.'
        : ' Correct it.';
    this.badValue(node, `${key} must be a text.${quoted}`);
    return undefined;
  }

  /** One of a few texts. */
  choice<Choice extends string>(
    node: Located | undefined,
    key: string,
    choices: readonly Choice[],
  ): Choice | undefined {
    if (isAbsent(node)) return undefined;
    const found = choices.find((choice) => node.kind === 'scalar' && node.value === choice);
    if (found === undefined) {
      const given = node.kind === 'scalar' ? ` is "${shortened(String(node.value))}", but` : '';
      this.badValue(node, `${key}${given} must be one of ${choices.join(', ')}.`);
    }
    return found;
  }

  /** A whole number of at least `min`, also written as a text, as in mergekit. */
  wholeNumber(node: Located | undefined, key: string, min: number): number | undefined {
    if (isAbsent(node)) return undefined;
    const number = node.kind === 'scalar' ? numberOf(node.value) : undefined;
    if (number !== undefined && Number.isSafeInteger(number) && number >= min) return number;
    this.badValue(node, `${key} must be a whole number from ${min}. Correct it.`);
    return undefined;
  }
}

/** A number, or a text that is one in decimal notation; mergekit takes both. */
export function numberOf(value: string | number | boolean | null): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)) {
    return undefined;
  }
  return Number(value);
}

/** Foreign text inside a sentence. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
