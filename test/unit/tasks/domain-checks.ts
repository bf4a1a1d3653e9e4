import { expect } from 'vitest';
import { Random } from '../../../src/core/random';
import {
  drawFromSplit,
  splitOf,
  type DrawnItem,
  type Split,
  type TaskKind,
} from '../../../src/eval/tasks/task';

/** A prompt without case, punctuation and spacing: what two prompts must share to count as equal. */
export function normalisePrompt(prompt: string): string {
  return prompt
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

export function drawMany(kind: TaskKind, count: number): DrawnItem[] {
  const random = Random.named(20261122, kind.id);
  return Array.from({ length: count }, () => kind.draw(random));
}

/** Every kind has ids of its domain, a kind of question in every split, and short texts. */
export function expectWellFormed(kinds: readonly TaskKind[], domain: string): void {
  expect(new Set(kinds.map((kind) => kind.id)).size).toBe(kinds.length);
  expect(kinds.length).toBeGreaterThanOrEqual(10);
  for (const kind of kinds) {
    expect(kind.id).toMatch(new RegExp(`^${domain}/[a-z-]+$`));
    for (const item of drawMany(kind, 500)) {
      expect(item.kind).toBe(kind.id);
      const sizes = [item.prompt, item.answer].map((text) => text.split(/\s+/).length);
      expect(sizes[0], item.prompt).toBeLessThanOrEqual(30);
      expect(sizes[1], item.answer).toBeLessThanOrEqual(20);
      for (const text of [item.prompt, item.answer, item.weakAnswer]) {
        expect(text).toMatch(/^\S.*\S$|^\S$/su);
        expect(text).not.toMatch(/undefined|[{]\w+[}]|NaN/);
      }
    }
    for (const split of ['train', 'validation', 'test'] as const) {
      const item = drawFromSplit(kind, split, new Random(7));
      expect(splitOf(item)).toBe(split);
    }
  }
}

/** The prompts met in each split over `drawsPerKind` draws of every kind. */
export function collectPrompts(
  kinds: readonly TaskKind[],
  drawsPerKind: number,
): Record<Split, Set<string>> {
  const prompts = {
    train: new Set<string>(),
    validation: new Set<string>(),
    test: new Set<string>(),
  };
  for (const kind of kinds) {
    for (const item of drawMany(kind, drawsPerKind)) {
      prompts[splitOf(item)].add(normalisePrompt(item.prompt));
    }
  }
  return prompts;
}

/** Asserts that no two splits share a prompt, and that enough test prompts exist. */
export function expectDisjointSplits(kinds: readonly TaskKind[], drawsPerKind: number): void {
  const { train, validation, test } = collectPrompts(kinds, drawsPerKind);
  const overlap = (left: Set<string>, right: Set<string>): string[] =>
    [...left].filter((prompt) => right.has(prompt));
  expect(overlap(test, train)).toEqual([]);
  expect(overlap(validation, train)).toEqual([]);
  expect(overlap(test, validation)).toEqual([]);
  expect(test.size).toBeGreaterThanOrEqual(600);
}
