import { isAlias, isMap, isScalar, isSeq, visit, type Alias, type Node, type Scalar } from 'yaml';
import type { Located, LocatedEntry, LocatedScalar } from './located';
import type { ProblemList, Span } from './problem';
import { maxDepth } from './yaml-depth';
import type { YamlDocument } from './yaml-text';

/** Values of one document, those of aliases counted at every place. Stops alias bombs. */
const maxValueCount = 50_000;
/** What mergekit's loader takes for a float; other exponents, such as in 1e-3, make a text. */
const exponentFloat = /^[-+]?(\d[\d_]*\.[\d_]*|\.[\d_]+)e[-+]\d+$/i;

/**
 * The values of a document as mergekit's loader (PyYAML, YAML 1.1) would see them, each with its
 * place in the text. A key that stands twice is reported; the last one counts. `undefined` when
 * an alias leads nowhere or aliases make it too large.
 */
export function locate(document: YamlDocument, problems: ProblemList): Located | undefined {
  const locator = new Locator(document, problems);
  const root = locator.value(document.contents, 0);
  return locator.isUnreadable ? undefined : root;
}

class Locator {
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #problems: ProblemList;
  #valueCount = 0;
  isUnreadable = false;

  constructor(document: YamlDocument, problems: ProblemList) {
    this.#targets = aliasTargets(document);
    this.#problems = problems;
  }

  value(node: unknown, depth: number): Located {
    const span = spanOf(node);
    this.#valueCount++;
    if (!this.isUnreadable && (this.#valueCount > maxValueCount || depth > maxDepth)) {
      this.isUnreadable = true;
      const sentence =
        'aliases make the recipe too large or too deep here. Write the values out instead.';
      this.#problems.error('recipe/syntax', span, sentence);
    }
    // Nothing more is read, whatever follows.
    if (this.isUnreadable) return { kind: 'scalar', value: null, ...span };
    if (isAlias(node)) {
      const target = this.#targets.get(node);
      if (target !== undefined) return { ...this.value(target, depth + 1), ...span };
      this.isUnreadable = true;
      this.#problems.error(
        'recipe/syntax',
        span,
        `there is no anchor &${node.source} before this alias. Add one or write the value out.`,
      );
      return { kind: 'scalar', value: null, ...span };
    }
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node.items, depth), ...span };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.value(item, depth + 1));
      return { kind: 'list', items, ...span };
    }
    return { kind: 'scalar', value: isScalar(node) ? this.#scalar(node) : null, ...span };
  }

  #entries(
    pairs: readonly { readonly key: unknown; readonly value: unknown }[],
    depth: number,
  ): LocatedEntry[] {
    const own = new Map<string, LocatedEntry>();
    const merged = new Map<string, LocatedEntry>();
    for (const { key, value } of pairs) {
      const keySpan = spanOf(key);
      const located: Located =
        value === null || value === undefined
          ? { kind: 'scalar', value: null, ...keySpan }
          : this.value(value, depth + 1);
      if (isMergeKey(key)) {
        for (const each of this.#mergedEntries(located)) {
          if (!merged.has(each.key)) merged.set(each.key, each);
        }
        continue;
      }
      const name = this.#key(key);
      if (own.has(name)) {
        const sentence = `the key ${name} stands here a second time. Keep one of the two.`;
        this.#problems.error('recipe/syntax', keySpan, sentence);
      }
      own.set(name, { key: name, keySpan, value: located });
    }
    return [...new Map([...merged, ...own]).values()];
  }

  /** `<<: *anchor` and `<<: [*a, *b]`; the mapping's own keys stand before them, earlier ones before later. */
  #mergedEntries(value: Located): readonly LocatedEntry[] {
    if (value.kind === 'map') return value.entries;
    if (value.kind === 'list') return value.items.flatMap((item) => this.#mergedEntries(item));
    const sentence = '<< takes a mapping, such as the alias of one. Correct or remove it.';
    this.#problems.error('recipe/syntax', value, sentence);
    return [];
  }

  #key(key: unknown): string {
    const value = isScalar(key) ? this.#scalar(key) : undefined;
    if (value !== undefined) return String(value);
    const sentence = 'a key must be a text here. Write a name before the colon.';
    this.#problems.error('recipe/syntax', spanOf(key), sentence);
    return '';
  }

  #scalar(node: Scalar): LocatedScalar['value'] {
    const { value, source = '' } = node;
    // YAML 1.1 has y and n as booleans too, but mergekit's loader leaves them as they are.
    if (typeof value === 'boolean') return source.length === 1 ? source : value;
    if (typeof value === 'number') {
      return /e/i.test(source) && !/^0x/i.test(source) && !exponentFloat.test(source)
        ? source
        : value;
    }
    if (typeof value === 'string' || value === null || value === undefined) return value ?? null;
    const sentence = `YAML reads "${source}" as a date or as bytes. Put it in quotation marks.`;
    this.#problems.error('recipe/bad-value', spanOf(node), sentence);
    return source;
  }
}

/** The value each alias stands for: that of the last anchor of its name before it. */
function aliasTargets(document: YamlDocument): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return targets;
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol';
}

function spanOf(node: unknown): Span {
  if (typeof node !== 'object' || node === null || !('range' in node)) return { from: 0, to: 0 };
  const range: unknown = node.range;
  const [from, to] = Array.isArray(range) ? (range as unknown[]) : [];
  return typeof from === 'number' && typeof to === 'number' ? { from, to } : { from: 0, to: 0 };
}
