import { isAlias, isMap, isSeq, visit, type Document, type Node } from 'yaml';
import { invariant } from '../core/errors';
import type { YamlChange, YamlPath } from './recipe-changes';
import { nodeAt } from './yaml-nodes';

/** Makes one change on a document; comments and the order of keys stay, spacing becomes uniform. */
export function changeDocument(document: Document.Parsed, change: YamlChange): void {
  switch (change.kind) {
    case 'set':
      ownPath(document, change.path.slice(0, -1));
      document.setIn(change.path, fragment(document, change.value));
      return;
    case 'delete':
      ownPath(document, change.path.slice(0, -1));
      document.deleteIn(change.path);
      return;
    case 'insert': {
      const list = listAt(document, change.path);
      list.items.splice(change.index, 0, fragment(document, change.value));
      return;
    }
    case 'reorder': {
      const list = listAt(document, change.path);
      const items = [...list.items];
      list.items = change.order.map((from) => items[from]);
      return;
    }
  }
}

/** Replaces aliases by what they stand for, so that each place can be changed by itself. */
export function expandAliases(document: Document.Parsed): void {
  visit(document, {
    Alias: (_key, alias) => alias.resolve(document)?.clone() as Node | undefined,
  });
  visit(document, {
    Node: (_key, node) => {
      if (!isAlias(node)) delete node.anchor;
    },
  });
}

function listAt(document: Document.Parsed, path: YamlPath): { items: unknown[] } {
  ownPath(document, path);
  const list = nodeAt(document.contents, path);
  invariant(isSeq(list), `no list at ${path.join('.')}`);
  return list;
}

/** Replaces aliases on a path by copies, since the others that use the anchor must not change. */
function ownPath(document: Document.Parsed, path: YamlPath): void {
  for (let length = 1; length <= path.length; length++) {
    const at = path.slice(0, length);
    const node = nodeAt(document.contents, at);
    if (!isAlias(node)) continue;
    const copy = node.resolve(document)?.clone() as Node | undefined;
    if (copy === undefined || isAlias(copy)) continue;
    delete copy.anchor;
    document.setIn(at, copy);
  }
}

function fragment(document: Document.Parsed, value: unknown): Node {
  const node = document.createNode(value);
  invariant(isMap(node) || isSeq(node) || !isAlias(node), 'a fragment is a value');
  return node;
}
