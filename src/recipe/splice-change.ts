import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import { entryText, inlineText, isInline, itemText } from './print-fragment';
import type { Span } from './problem';
import type { YamlChange, YamlPath } from './recipe-changes';
import { recipeKeyTable } from './recipe-keys';
import { isNodeLike, nodeAt, nodeSpan, pairOf } from './yaml-nodes';

/**
 * Makes one change by replacing, adding or cutting out a piece of the text, so that everything else
 * stays letter for letter. `undefined` where the layout of the text is not one of the usual ones;
 * then the change is made on the document.
 *
 * @param root of the document, as parsed from `text`
 */
export function spliceChange(text: string, root: Node, change: YamlChange): string | undefined {
  switch (change.kind) {
    case 'set':
      return set(text, root, change.path, change.value);
    case 'delete':
      return typeof change.path.at(-1) === 'number'
        ? deleteItem(text, root, change.path)
        : deleteEntry(text, root, change.path);
    case 'insert': {
      const list = nodeAt(root, change.path);
      return isSeq(list) ? insertItem(text, list, change.index, change.value) : undefined;
    }
    case 'reorder':
      return undefined;
  }
}

function set(text: string, root: Node, path: YamlPath, value: unknown): string | undefined {
  const key = path.at(-1);
  const owner = nodeAt(root, path.slice(0, -1));
  if (typeof key !== 'string') return undefined;
  if (owner === undefined && path.length > 1) {
    return set(text, root, path.slice(0, -1), { [key]: value });
  }
  if (!isMap(owner)) return undefined;
  const pair = pairOf(owner, key);
  if (pair === undefined) return insertEntry(text, owner, key, value);
  const old = pair.value;
  const span = old === null ? undefined : nodeSpan(old);
  if (old === null || span === undefined || span.from === span.to || isAlias(old)) return undefined;
  if (old.anchor !== undefined || old.tag?.startsWith('!') === true) return undefined;
  const isOnOneLine = !text.slice(span.from, span.to).includes('\n');
  if (isOnOneLine && (isInline(value) || owner.flow === true)) {
    return spliced(text, span, inlineText(value, isScalar(old) ? old.type : null));
  }
  const keySpan = nodeSpan(pair.key);
  if (owner.flow === true || keySpan === undefined) return undefined;
  const entry = entryText(key, value, columnOf(text, keySpan.from));
  return spliced(text, { from: keySpan.from, to: trimmedEnd(text, span) }, entry);
}

function insertEntry(text: string, map: YAMLMap, key: string, value: unknown): string | undefined {
  const entries = map.items.map((pair) => {
    const from = isNodeLike(pair.key) ? nodeSpan(pair.key) : undefined;
    const end = isNodeLike(pair.value) ? nodeSpan(pair.value) : from;
    return { name: isScalar(pair.key) ? pair.key.value : null, from: from?.from, to: end?.to };
  });
  const last = entries.at(-1);
  if (map.flow === true) {
    const start = map.range?.[0];
    if (start === undefined) return undefined;
    const entry = `${inlineText(key)}: ${inlineText(value)}`;
    if (last === undefined) return spliced(text, { from: start + 1, to: start + 1 }, entry);
    return last.to === undefined
      ? undefined
      : spliced(text, { from: last.to, to: last.to }, `, ${entry}`);
  }
  const first = entries[0]?.from;
  if (first === undefined || last === undefined) return undefined;
  const indent = columnOf(text, first);
  const entry = entryText(key, value, indent);
  const order = Object.keys(recipeKeyTable.recipe);
  const rank = order.indexOf(key);
  // At the top, keys stand in their usual order; elsewhere a new one comes last.
  const isTop = indent === 0 && rank >= 0;
  const before = isTop ? entries.findLast(({ name }) => order.indexOf(String(name)) < rank) : last;
  if (before === undefined) return spliced(text, { from: first, to: first }, `${entry}\n`);
  if (before.to === undefined) return undefined;
  const at = lineEnd(text, trimmedEnd(text, { from: 0, to: before.to }));
  return spliced(text, { from: at, to: at }, `\n${' '.repeat(indent)}${entry}`);
}

function deleteEntry(text: string, root: Node, path: YamlPath): string | undefined {
  const key = path.at(-1);
  const owner = nodeAt(root, path.slice(0, -1));
  if (typeof key !== 'string' || !isMap(owner) || owner.items.length < 2) return undefined;
  const pair = pairOf(owner, key);
  const index = owner.items.findIndex((item) => item === pair);
  const from = pair === undefined ? undefined : nodeSpan(pair.key)?.from;
  const to = pair?.value == null ? undefined : nodeSpan(pair.value)?.to;
  if (from === undefined || to === undefined) return undefined;
  if (owner.flow !== true) return cutLines(text, { from, to });
  const [previous, next] = [owner.items[index - 1], owner.items[index + 1]];
  if (next !== undefined && isNodeLike(next.key)) {
    const end = nodeSpan(next.key)?.from;
    return end === undefined ? undefined : spliced(text, { from, to: end }, '');
  }
  const start = isNodeLike(previous?.value) ? nodeSpan(previous.value)?.to : undefined;
  return start === undefined ? undefined : spliced(text, { from: start, to }, '');
}

function insertItem(
  text: string,
  list: YAMLSeq,
  index: number,
  value: unknown,
): string | undefined {
  const first = isNodeLike(list.items[0]) ? nodeSpan(list.items[0]) : undefined;
  const before: unknown = list.items[index - 1];
  if (list.flow === true || first === undefined || !isNodeLike(before)) return undefined;
  const dash = dashColumn(text, first.from);
  const to = nodeSpan(before)?.to;
  if (dash === undefined || to === undefined) return undefined;
  const at = lineEnd(text, trimmedEnd(text, { from: 0, to }));
  return spliced(text, { from: at, to: at }, `\n${' '.repeat(dash)}${itemText(value, dash)}`);
}

function deleteItem(text: string, root: Node, path: YamlPath): string | undefined {
  const list = nodeAt(root, path.slice(0, -1));
  const item = nodeAt(root, path);
  if (!isSeq(list) || list.flow === true || list.items.length < 2 || item === undefined) {
    return undefined;
  }
  const span = nodeSpan(item);
  if (span === undefined || dashColumn(text, span.from) === undefined) return undefined;
  return cutLines(text, { from: lineStart(text, span.from), to: span.to });
}

/** Removes whole lines, provided that nothing else stands before the span on its first one. */
function cutLines(text: string, span: Span): string | undefined {
  const from = lineStart(text, span.from);
  if (text.slice(from, span.from).trim() !== '') return undefined;
  const lineBreak = text.indexOf('\n', trimmedEnd(text, span));
  return spliced(text, { from, to: lineBreak < 0 ? text.length : lineBreak + 1 }, '');
}

/** The column of the dash in front of a list's entry, when both stand on one line. */
function dashColumn(text: string, itemStart: number): number | undefined {
  const before = text.slice(lineStart(text, itemStart), itemStart);
  return /^ *- +$/.test(before) ? before.indexOf('-') : undefined;
}

/** The text with a piece in place of a span, with the line ends that the text has. */
function spliced(text: string, { from, to }: Span, piece: string): string {
  const lines = text.includes('\r\n') ? piece.replaceAll('\n', '\r\n') : piece;
  return text.slice(0, from) + lines + text.slice(to);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Where the line break of a line stands, or the end of the text. */
function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  const end = found < 0 ? text.length : found;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function columnOf(text: string, at: number): number {
  return at - lineStart(text, at);
}

/** The end of a span without white space there; block texts end with their line break. */
function trimmedEnd(text: string, { from, to }: Span): number {
  return from + text.slice(from, to).trimEnd().length;
}
