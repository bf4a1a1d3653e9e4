import { splitOf, type Split } from './task';

/** The split of a text that several kinds may share, the same whichever kind asks. */
export function sharedSplitOf(domain: string, text: string): Split {
  return splitOf({ kind: domain, contentKey: text });
}

/**
 * A content key for `kind` whose split is that of `text` in the whole domain. Two kinds that can
 * draw one prompt would otherwise put it on both sides of the split, because `splitOf` hashes the
 * kind's id too. The key is `text` with the smallest number behind it that gives the wanted split.
 */
export function sharedContentKey(kind: string, domain: string, text: string): string {
  return keyInSplit(kind, text, sharedSplitOf(domain, text));
}

/** The key `text#n` with the smallest n that puts `kind` into `split`. */
export function keyInSplit(kind: string, text: string, split: Split): string {
  for (let salt = 0; ; salt++) {
    const contentKey = `${text}#${String(salt)}`;
    if (splitOf({ kind, contentKey }) === split) return contentKey;
  }
}
