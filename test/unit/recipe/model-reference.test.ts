import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatModelReference,
  parseModelReference,
  type ModelReference,
} from '../../../src/recipe/model-reference';

describe('parseModelReference', () => {
  it.each<[string, ModelReference]>([
    ['math', { model: { path: 'math' } }],
    ['org/math@v1', { model: { path: 'org/math', revision: 'v1' } }],
    ['org/math+./lora', { model: { path: 'org/math' }, lora: { path: './lora' } }],
    [
      'math@v1+lora@v2',
      { model: { path: 'math', revision: 'v1' }, lora: { path: 'lora', revision: 'v2' } },
    ],
  ])('takes %s apart', (text, reference) => {
    expect(parseModelReference(text)).toEqual(reference);
    expect(formatModelReference(reference)).toBe(text);
  });

  it.each([
    ['@@@@@', 'one revision'],
    ['a+b+c', 'one adapter'],
    ['a@b@c', 'one revision'],
    ['', 'the path is empty'],
    ['a+', 'the path is empty'],
    ['a@', 'the revision after @ is empty'],
    ['{"model":', 'must be JSON'],
    ['{"lora":{"path":"x"}}', 'no model.path'],
  ])('rejects %j', (text, part) => {
    expect(() => parseModelReference(text)).toThrow(part);
  });

  it('reads back any reference, and equal ones have one text', () => {
    const path = fc.record(
      { path: fc.string({ minLength: 1 }), revision: fc.string({ minLength: 1 }) },
      { requiredKeys: ['path'] },
    );
    const references = fc.record(
      { model: path, lora: path, overrideArchitecture: fc.string({ minLength: 1 }) },
      { requiredKeys: ['model'] },
    );
    fc.assert(
      fc.property(references, (reference) => {
        const text = formatModelReference(reference);
        expect(parseModelReference(text)).toEqual(reference);
        expect(formatModelReference(parseModelReference(text))).toBe(text);
      }),
    );
  });
});
