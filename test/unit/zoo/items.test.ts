import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kindsByDomain } from '../../../src/eval/tasks/index';
import { drawItemSet, type EvalItem } from '../../../src/eval/tasks/mix-items';
import { itemsPerDomain, zooSeed } from '../../../src/eval/tasks/mix-recipe';
import { domainIds } from '../../../src/eval/tasks/task';

function shippedItems(domain: string): EvalItem[] {
  const path = new URL(`../../../public/zoo/items/${domain}.jsonl`, import.meta.url);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as EvalItem);
}

describe.each(domainIds)('the shipped items of %s', (domain) => {
  it('are what the seed draws from the test split', () => {
    expect(shippedItems(domain)).toEqual(drawItemSet(domain, 'test', itemsPerDomain, zooSeed));
  });

  it('are at least 300 different questions of at least ten kinds', () => {
    const items = shippedItems(domain);
    expect(new Set(items.map((item) => item.prompt)).size).toBe(items.length);
    expect(new Set(items.map((item) => item.id)).size).toBe(items.length);
    expect(items.length).toBeGreaterThanOrEqual(300);
    expect(new Set(items.map((item) => item.kind)).size).toBeGreaterThanOrEqual(10);
  });

  it('share no prompt with the validation draw', () => {
    const prompts = new Set(shippedItems(domain).map((item) => item.prompt));
    const validation = drawItemSet(domain, 'validation', itemsPerDomain, zooSeed);
    expect(validation.filter((item) => prompts.has(item.prompt))).toEqual([]);
  });

  it('start with every kind, so that a prefix is balanced', () => {
    const kinds = kindsByDomain[domain];
    const first = shippedItems(domain).slice(0, 2 * kinds.length);
    expect(new Set(first.map((item) => item.kind)).size).toBe(kinds.length);
  });
});
