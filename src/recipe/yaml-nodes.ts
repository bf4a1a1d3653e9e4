import { isAlias, isCollection, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { Span } from './problem';
import type { YamlPath } from './recipe-changes';

/** Where a parsed node stands in its text: for block collections up to their last content. */
export function nodeSpan(node: Node): Span | undefined {
  const [from, to] = node.range ?? [];
  if (from === undefined || to === undefined) return undefined;
  if (!isCollection(node) || node.flow === true) return { from, to };
  const last: unknown = node.items.at(-1);
  const end = isPairOfNodes(last) ? (last.value ?? last.key) : last;
  const inner = isNodeLike(end) ? nodeSpan(end) : undefined;
  return inner === undefined ? undefined : { from, to: inner.to };
}

/** The entry of a mapping with this key. */
export function pairOf(map: Node, key: string): Pair<Node, Node | null> | undefined {
  if (!isMap(map)) return undefined;
  return (map.items as readonly unknown[])
    .filter(isPairOfNodes)
    .find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** The node at a path, as it stands in the text: an alias is not followed. */
export function nodeAt(root: Node | null, path: YamlPath): Node | undefined {
  let node: Node | null | undefined = root;
  for (const step of path) {
    if (node === null || node === undefined) return undefined;
    if (typeof step === 'string') {
      node = pairOf(node, step)?.value;
      continue;
    }
    const item: unknown = isSeq(node) ? node.items[step] : undefined;
    node = isNodeLike(item) ? item : undefined;
  }
  return node ?? undefined;
}

/** Whether a parsed thing is a node and not a pair. */
export function isNodeLike(value: unknown): value is Node {
  return isScalar(value) || isCollection(value) || isAlias(value);
}

function isPairOfNodes(value: unknown): value is Pair<Node, Node | null> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    'value' in value &&
    isNodeLike(value.key) &&
    (value.value === null || isNodeLike(value.value))
  );
}
