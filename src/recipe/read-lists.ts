import { isAbsent, type Located, type LocatedMap } from './located';
import type { Reading } from './reading';

/** The mappings of a list; what is not one is reported. */
export function mapsOf(
  node: Located | undefined,
  key: string,
  maxCount: number,
  reading: Reading,
): LocatedMap[] {
  if (isAbsent(node)) return [];
  if (node.kind !== 'list') {
    const sentence = `${key} must be a list. Start each entry with a dash.`;
    reading.problems.error('recipe/syntax', node, sentence);
    return [];
  }
  if (node.items.length > maxCount) {
    const sentence = `${key} has ${node.items.length} entries; at most ${maxCount} can be merged. Shorten it.`;
    reading.badValue(node, sentence);
    return [];
  }
  return node.items.flatMap((item) => {
    const map = mapOf(item, `each entry of ${key}`, reading);
    return map === undefined ? [] : [map];
  });
}

/** The mapping that a value must be. @param what names it in the problem */
export function mapOf(
  node: Located | undefined,
  what: string,
  reading: Reading,
): LocatedMap | undefined {
  if (node?.kind === 'map') return node;
  if (node !== undefined) {
    const sentence = `${what} must be a mapping of keys and values. Correct it.`;
    reading.problems.error('recipe/syntax', node, sentence);
  }
  return undefined;
}

/** Whether a list or mapping has no entries, which mergekit takes for absent. */
export function isEmpty(node: Located | undefined): boolean {
  if (node?.kind === 'list') return node.items.length === 0;
  return node?.kind === 'map' && node.entries.length === 0;
}
