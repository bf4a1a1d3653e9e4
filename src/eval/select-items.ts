import { hashText32 } from '../core/random';
import type { EvalItem } from './items';
import { domainIds, type DomainId } from './tasks/task';

/**
 * The items of each domain in the order in which they are asked, for `seed`.
 *
 * Every start of the order is stratified: kinds take turns, so that any two differ by at most one
 * item while both last. Within a kind, and among kinds, a hash of seed and id decides, so the order
 * does not depend on file order, and the subset of size n is part of every larger one.
 */
export function orderItems(items: readonly EvalItem[], seed: number): Map<DomainId, EvalItem[]> {
  const ordered = new Map<DomainId, EvalItem[]>();
  for (const domain of domainIds) {
    const ofDomain = items.filter((item) => item.domain === domain);
    if (ofDomain.length > 0) ordered.set(domain, interleaveKinds(ofDomain, seed));
  }
  return ordered;
}

/** The first `countPerDomain` of each domain: the quick set of live sliders. */
export function selectQuick(
  items: readonly EvalItem[],
  countPerDomain: number,
  seed: number,
): EvalItem[] {
  return [...orderItems(items, seed).values()].flatMap((ofDomain) =>
    ofDomain.slice(0, countPerDomain),
  );
}

/** Items a domain in the first rounds; the last size repeats. Small first, so that a score is soon there. */
const roundSizes = [1, 3, 8, 12, 16] as const;

/**
 * Cuts the items into rounds of growing size; each holds items of every domain that has any left,
 * so that all scores refine together.
 */
export function planRounds(items: readonly EvalItem[], seed: number): EvalItem[][] {
  const ordered = [...orderItems(items, seed).values()];
  const longest = ordered.reduce((most, ofDomain) => Math.max(most, ofDomain.length), 0);
  const rounds: EvalItem[][] = [];
  for (let start = 0; start < longest;) {
    const size = roundSizes[Math.min(rounds.length, roundSizes.length - 1)] ?? 16;
    rounds.push(ordered.flatMap((ofDomain) => ofDomain.slice(start, start + size)));
    start += size;
  }
  return rounds;
}

/** A short name of a set of items, whatever their order: equal sets, equal names. */
export function itemSetHash(items: readonly EvalItem[]): string {
  const lines = items.map((item) => JSON.stringify(item)).sort();
  const [low, high] = ['a', 'b'].map((salt) => hashText32(`${salt}\n${lines.join('\n')}`));
  return [low, high].map((word) => (word ?? 0).toString(16).padStart(8, '0')).join('');
}

function interleaveKinds(items: readonly EvalItem[], seed: number): EvalItem[] {
  const kinds = new Map<string, EvalItem[]>();
  for (const item of items) kinds.set(item.kind, [...(kinds.get(item.kind) ?? []), item]);
  const strata = sortByHash([...kinds.keys()], (kind) => kind, seed).map((kind) =>
    sortByHash(kinds.get(kind) ?? [], (item) => item.id, seed),
  );
  const longest = strata.reduce((most, stratum) => Math.max(most, stratum.length), 0);
  const turns = Array.from({ length: longest }, (_, turn) => turn);
  return turns.flatMap((turn) => strata.flatMap((stratum) => stratum.slice(turn, turn + 1)));
}

/** A copy in the order of a hash of seed and name. */
function sortByHash<T>(values: readonly T[], nameOf: (value: T) => string, seed: number): T[] {
  return values
    .map((value) => ({ value, name: nameOf(value), rank: hashText32(`${seed}|${nameOf(value)}`) }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .map(({ value }) => value);
}
