import type { Span } from './problem';

/** A YAML value that knows where it stands. Aliases and merge keys are resolved. */
export type Located = LocatedScalar | LocatedList | LocatedMap;

export interface LocatedScalar extends Span {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}

export interface LocatedList extends Span {
  readonly kind: 'list';
  readonly items: readonly Located[];
}

export interface LocatedEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Located;
}

export interface LocatedMap extends Span {
  readonly kind: 'map';
  readonly entries: readonly LocatedEntry[];
}

/** Whether a key is absent or stands without a value, which YAML reads as null. */
export function isAbsent(
  node: Located | undefined,
): node is undefined | (LocatedScalar & { readonly value: null }) {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}
