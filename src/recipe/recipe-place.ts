import { inlinePlace } from './inline-place';
import { recipeKeyTable, type RecipeKey, type RecipePlaceKind } from './recipe-keys';
import type { Span } from './problem';

/** Where an offset stands in a recipe's text. */
export interface RecipePlace {
  readonly writes: 'key' | 'value';
  /** The mapping it stands in; `undefined` inside something the dialect does not know. */
  readonly within: RecipePlaceKind | undefined;
  /** Name of the key whose value is written. */
  readonly keyName?: string;
  /** What that key takes. */
  readonly key?: RecipeKey;
  /** Whether parameters are those of one model or of the whole merge. */
  readonly scope: 'model' | 'method';
  /** Keys that the mapping has already. */
  readonly present: readonly string[];
  /** The word at the offset. */
  readonly word: Span;
}

/** A step down from the root: to the value of a key, or into an entry of a list. */
interface Step {
  /** Absent for an entry of a list. */
  readonly key?: string;
  readonly column: number;
  /** Keys of the mapping that the step leaves. */
  readonly siblings: string[];
  readonly isBlockText: boolean;
}

/**
 * Finds the place from lines, indentation and open braces alone, so that it is known while somebody
 * writes and the YAML is not whole.
 */
export function placeAt(text: string, offset: number): RecipePlace {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const steps: Step[] = [];
  for (const line of linesAbove(text, lineStart)) stepInto(steps, line);
  const before = text.slice(lineStart, offset);
  const word = wordAt(text, offset);
  const isBelowBlockText = steps.some(
    ({ isBlockText, column }) => isBlockText && columnOf(before) > column,
  );
  const isComment = /(^|\s)#[^"']*$/.test(before);
  const head = isBelowBlockText || isComment ? undefined : stepInto(steps, before);
  const inline = inlinePlace(head?.rest ?? '');
  const path = steps.flatMap(({ key }) => key ?? []).concat(inline.path);
  const { within, scope } = mappingAt(path);
  if (head === undefined) return { writes: 'value', within: undefined, scope, present: [], word };
  const isKey = inline.isInMapping ?? head.key === undefined;
  if (isKey) {
    const own = siblingsBelow(text, lineStart, head.column);
    const present = inline.isInMapping === true ? inline.present : [...head.siblings, ...own];
    return { writes: 'key', within, scope, present, word };
  }
  const keyName = path.at(-1);
  const owner = mappingAt(path.slice(0, -1));
  const table = owner.within === undefined ? {} : recipeKeyTable[owner.within];
  const key = keyName !== undefined && Object.hasOwn(table, keyName) ? table[keyName] : undefined;
  return {
    writes: 'value',
    within: owner.within,
    ...(keyName === undefined ? {} : { keyName }),
    ...(key === undefined ? {} : { key }),
    scope: owner.scope,
    present: [],
    word,
  };
}

/** Lines of the document above an offset, without comments and blank ones. */
function linesAbove(text: string, lineStart: number): string[] {
  const lines = text.slice(0, lineStart).split('\n');
  const start = lines.findLastIndex((line) => /^---(\s|$)/.test(line));
  return lines.slice(start + 1).filter((line) => !/^\s*(#|$)/.test(line));
}

/** Goes down one line. @returns what is left of the line behind its key, and the column of the key */
function stepInto(
  steps: Step[],
  line: string,
): { key: string | undefined; rest: string; column: number; siblings: readonly string[] } {
  let column = columnOf(line);
  let rest = line.slice(column);
  for (let dash = /^-(\s+|$)/.exec(rest); dash !== null; dash = /^-(\s+|$)/.exec(rest)) {
    const at = column;
    leave(steps, (step) => step.column > at || (step.column === at && step.key === undefined));
    steps.push({ column, siblings: [], isBlockText: false });
    column += dash[0].length;
    rest = rest.slice(dash[0].length);
  }
  const left = leave(steps, (step) => step.column >= column);
  const siblings = left.find((step) => step.column === column)?.siblings ?? [];
  const match = /^(?:"([^"]*)"|'([^']*)'|([^\s"'{[#][^:#]*?))\s*:(?=\s|$)/.exec(rest);
  if (match === null) return { key: undefined, rest, column, siblings };
  const key = match[1] ?? match[2] ?? match[3] ?? '';
  const value = rest.slice(match[0].length);
  siblings.push(key);
  steps.push({ key, column, siblings, isBlockText: /^\s*[|>][-+\d]*\s*$/.test(value) });
  return { key, rest: value, column, siblings };
}

/** Removes steps from the innermost on, while they are left. */
function leave(steps: Step[], isLeft: (step: Step) => boolean): Step[] {
  const left: Step[] = [];
  for (let step = steps.at(-1); step !== undefined && isLeft(step); step = steps.at(-1)) {
    left.push(step);
    steps.pop();
  }
  return left;
}

/** The mapping that the keys of a path lead to. */
function mappingAt(path: readonly string[]): {
  within: RecipePlaceKind | undefined;
  scope: 'model' | 'method';
} {
  let within: RecipePlaceKind | undefined = 'recipe';
  for (const key of path) within = below(within, key);
  const scope = path.some((key) => key === 'models' || key === 'sources') ? 'model' : 'method';
  return { within, scope };
}

function below(within: RecipePlaceKind | undefined, key: string): RecipePlaceKind | undefined {
  switch (within) {
    case undefined:
      return undefined;
    case 'parameters':
      return 'condition';
    case 'modules':
      return 'module';
    case 'tokens':
      return 'token';
    default: {
      const table = recipeKeyTable[within];
      return Object.hasOwn(table, key) ? table[key]?.within : undefined;
    }
  }
}

/** Keys of the same mapping on the lines below. */
function siblingsBelow(text: string, lineStart: number, column: number): string[] {
  const keys: string[] = [];
  for (const line of text.slice(lineStart).split('\n').slice(1)) {
    if (/^\s*(#|$)/.test(line)) continue;
    if (columnOf(line) < column || /^---(\s|$)/.test(line)) break;
    const key = /^\s*([\w-]+)\s*:/.exec(line)?.[1];
    if (columnOf(line) === column && key !== undefined) keys.push(key);
  }
  return keys;
}

/** Letters that names of keys, methods and models are made of. */
const wordLetters = /[\w./@+-]/;

function wordAt(text: string, offset: number): Span {
  let [from, to] = [offset, offset];
  while (from > 0 && wordLetters.test(text.charAt(from - 1))) from--;
  while (to < text.length && wordLetters.test(text.charAt(to))) to++;
  return { from, to };
}

function columnOf(line: string): number {
  return line.length - line.trimStart().length;
}
