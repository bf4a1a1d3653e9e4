/** Where the end of a piece of `{…}` and `[…]` text stands. */
export interface InlinePlace {
  /** Keys from the outermost brace to the innermost that is still open. */
  readonly path: readonly string[];
  /** Whether a key is written there; `undefined` where no brace is open. */
  readonly isInMapping: boolean | undefined;
  /** Keys that the innermost mapping has already. */
  readonly present: readonly string[];
}

/** Looks at the value of one line up to the offset, letter by letter; what is in quotes is passed over. */
export function inlinePlace(text: string): InlinePlace {
  const open: { bracket: string; key: string | undefined; present: string[]; start: number }[] = [];
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    const inner = open.at(-1);
    if (quote !== '') {
      if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") {
      quote = letter;
    } else if (letter === '{' || letter === '[') {
      open.push({ bracket: letter, key: undefined, present: [], start: at + 1 });
    } else if (letter === '}' || letter === ']') {
      open.pop();
    } else if (inner !== undefined && letter === ',') {
      inner.key = undefined;
      inner.start = at + 1;
    } else if (inner?.bracket === '{' && letter === ':' && inner.key === undefined) {
      inner.key = text.slice(inner.start, at).trim();
      inner.present.push(inner.key);
    }
  }
  const innermost = open.at(-1);
  return {
    path: open.flatMap(({ key }) => key ?? []),
    isInMapping:
      innermost === undefined
        ? undefined
        : innermost.bracket === '{' && innermost.key === undefined,
    present: innermost?.present ?? [],
  };
}
