import type { CST } from 'yaml';

/** A recipe nests about twelve collections; readers go down one call per collection. */
export const maxDepth = 40;

/**
 * Where a token is nested deeper than `maxDepth`, or `undefined`. Works with a list and not by
 * calling itself, since the depth comes from the text.
 */
export function checkDepth(tokens: readonly CST.Token[]): number | undefined {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { token, depth } = entry;
    if (depth > maxDepth) return 'offset' in token ? token.offset : 0;
    for (const child of childrenOf(token)) open.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) =>
    [key, value].filter((child) => child !== undefined && child !== null),
  );
}
