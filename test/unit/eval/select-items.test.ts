import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { itemSetHash, orderItems, planRounds, selectQuick } from '../../../src/eval/select-items';
import { exampleItems } from './example-items';

const items = exampleItems(50);
const ids = (list: readonly { readonly id: string }[]): string[] => list.map((item) => item.id);

describe('selectQuick', () => {
  it('takes the same items of each domain whatever the file order', () => {
    const shuffled = new Random(1).shuffled(items);
    const quick = selectQuick(items, 10, 7);
    expect(ids(selectQuick(shuffled, 10, 7)).sort()).toEqual(ids(quick).sort());
    expect(quick).toHaveLength(40);
  });

  it('depends on the seed and is nested in size', () => {
    expect(ids(selectQuick(items, 10, 8))).not.toEqual(ids(selectQuick(items, 10, 7)));
    const small = new Set(ids(selectQuick(items, 5, 7)));
    const large = new Set(ids(selectQuick(items, 11, 7)));
    expect([...small].every((id) => large.has(id))).toBe(true);
  });

  it('gives every kind its turn', () => {
    for (const count of [4, 6, 20]) {
      const counts = new Map<string, number>();
      for (const { kind } of selectQuick(items, count, 3)) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
      expect(counts.size).toBe(16);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    }
  });

  it('gives all items when there are fewer', () => {
    expect(ids(selectQuick(items, 1000, 3)).sort()).toEqual(ids(items).sort());
  });
});

describe('planRounds', () => {
  it('asks every item once, with every domain in every round', () => {
    const rounds = planRounds(items, 5);
    expect(ids(rounds.flat()).sort()).toEqual(ids(items).sort());
    for (const round of rounds) {
      expect(new Set(round.map((item) => item.domain)).size).toBe(4);
    }
    expect(rounds.slice(0, 3).map((round) => round.length)).toEqual([4, 12, 32]);
  });

  it('starts with the quick selection', () => {
    const quick = new Set(ids(selectQuick(items, 4, 5)));
    const [first = [], second = []] = planRounds(items, 5);
    expect(new Set(ids([...first, ...second]))).toEqual(quick);
  });

  it('has no rounds without items and copes with one domain that is shorter', () => {
    expect(planRounds([], 1)).toEqual([]);
    const uneven = items.filter((item) => item.domain !== 'math' || item.id < 'math-0003');
    expect(planRounds(uneven, 1).flat()).toHaveLength(uneven.length);
  });
});

describe('orderItems', () => {
  it('keeps the fixed order of domains', () => {
    expect([...orderItems(items, 1).keys()]).toEqual(['math', 'coding', 'safety', 'general']);
  });
});

describe('itemSetHash', () => {
  it('names the set, not its order', () => {
    expect(itemSetHash(items)).toMatch(/^[0-9a-f]{16}$/u);
    expect(itemSetHash(new Random(2).shuffled(items))).toBe(itemSetHash(items));
    const [first, ...rest] = items;
    expect(itemSetHash(rest)).not.toBe(itemSetHash(items));
    if (first === undefined) throw new Error('no items');
    expect(itemSetHash([{ ...first, answer: 'other' }, ...rest])).not.toBe(itemSetHash(items));
  });
});
