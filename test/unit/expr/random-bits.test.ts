import { expect, it } from 'vitest';
import { randomWord } from '../../../src/expr/random-bits';

const elementCount = 20_000;
const models = Array.from({ length: 12 }, (_, model) => model);

/** Random words of one model, for consecutive elements. */
function wordsOf(model: number, word = 0): Uint32Array {
  return Uint32Array.from({ length: elementCount }, (_, element) =>
    randomWord(word, element, model, 0x12345678, 7),
  );
}

/** In how many elements both words are below half, against a quarter, in standard deviations. */
function excess(a: Uint32Array, b: Uint32Array): number {
  const both = a.filter((word, element) => word < 2 ** 31 && (b[element] ?? 0) < 2 ** 31).length;
  return (both - elementCount / 4) / Math.sqrt((elementCount * 3) / 16);
}

it('gives models that share a hash words as independent as any', () => {
  const words = models.map((model) => wordsOf(model));
  for (const [model, own] of words.entries()) {
    for (const other of words.slice(model + 1)) {
      expect(Math.abs(excess(own, other))).toBeLessThan(5);
    }
    // Neighbours too.
    expect(
      Math.abs(
        excess(
          own,
          own.map((_, at) => own[at + 1] ?? 0),
        ),
      ),
    ).toBeLessThan(5);
  }
});

it('never gives two models, or two words of a model, the same number', () => {
  const seen = [0, 1, 2, 3].flatMap((word) =>
    models.map((model) => wordsOf(model, word).slice(0, 8).join()),
  );
  expect(new Set(seen).size).toBe(4 * models.length);
});
