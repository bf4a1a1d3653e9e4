import { Document, Scalar, visit } from 'yaml';
import { printOptions, styled, yaml11 } from './write-recipe';

/** A value on one line, in a form that may stand anywhere: also inside `{…}` and `[…]`. */
export function inlineText(value: unknown, quotes?: Scalar.Type | null): string {
  const document = new Document([value], yaml11);
  visit(document, {
    Collection: (_key, node) => {
      node.flow = true;
    },
    Scalar: (_key, node) => {
      const isQuoted = quotes === Scalar.QUOTE_DOUBLE || quotes === Scalar.QUOTE_SINGLE;
      if (typeof node.value === 'string' && isQuoted) node.type = quotes;
    },
  });
  const text = document.toString(printOptions);
  return text.trimEnd().slice(1, -1);
}

/** `key: value` over as many lines as the value takes, each but the first with `indent` spaces. */
export function entryText(key: string, value: unknown, indent: number): string {
  return indented(styled(new Document({ [key]: value }, yaml11)), indent);
}

/** An entry of a list, with its dash at column `indent`. */
export function itemText(value: unknown, indent: number): string {
  return indented(styled(new Document([value], yaml11)), indent);
}

function indented(document: Document, indent: number): string {
  const lines = document.toString(printOptions).trimEnd().split('\n');
  return lines
    .map((line, at) => (at === 0 || line === '' ? line : ' '.repeat(indent) + line))
    .join('\n');
}

/** Whether a value is printed on one line. */
export function isInline(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !String(value).includes('\n');
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
