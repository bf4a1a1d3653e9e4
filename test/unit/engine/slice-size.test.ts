import { describe, expect, it } from 'vitest';
import { definitionCost } from '../../../src/engine/definition-cost';
import { sliceElementsFor, sliceNeedsOf } from '../../../src/engine/slice-size';
import { chunkElements } from '../../../src/expr/backend';
import { defineMethod, findMethod } from '../../../src/methods/registry';

const halves = (count: number): { readonly dtype: 'BF16' }[] =>
  Array.from({ length: count }, () => ({ dtype: 'BF16' }));

const linear = definitionCost(defineMethod(findMethod('linear')));
const della = definitionCost(defineMethod(findMethod('della'), {}, { specialistCount: 2 }));

describe('slices', () => {
  it('fill the budget with whole chunks', () => {
    const needs = sliceNeedsOf([4096, 4096], halves(4), 4, linear);
    expect(needs).toEqual({
      inputBytesPerElement: 8,
      bytesPerElement: 8,
      residentBytesPerElement: 8,
      unitElements: chunkElements,
    });
    expect(sliceElementsFor([4096, 4096], needs, 8 * chunkElements * 3.5)).toBe(3 * chunkElements);
    expect(sliceElementsFor([4096, 4096], needs, 1)).toBe(chunkElements);
  });

  it('are no longer than the tensor, whatever the method', () => {
    for (const cost of [linear, della]) {
      const needs = sliceNeedsOf([3, 100], halves(3), 2, cost);
      expect(sliceElementsFor([3, 100], needs, 1e9)).toBe(chunkElements);
    }
    const none = sliceNeedsOf([0], halves(1), 1, linear);
    expect(sliceElementsFor([0], none, 1e9)).toBe(chunkElements);
  });

  it('begin with a row where rows are ranked, and count what is computed', () => {
    expect(della.needsWholeRows).toBe(true);
    const needs = sliceNeedsOf([9000, 576], halves(3), 2, della);
    // Least common multiple of 2^14 and 2^6·9.
    expect(needs.unitElements).toBe(9 * 2 ** 14);
    // A rank of 4 bytes for both specialists, and a word that stays with what was kept by it.
    expect(needs.bytesPerElement).toBe(needs.inputBytesPerElement + 8 + 4);
    expect(needs.residentBytesPerElement).toBe(needs.inputBytesPerElement + 4);
    expect(sliceElementsFor([9000, 576], needs, 1e7) % 576).toBe(0);
    expect(sliceElementsFor([9000, 576], needs, 1)).toBe(9 * 2 ** 14);
  });
});
