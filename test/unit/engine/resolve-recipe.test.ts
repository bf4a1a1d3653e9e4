import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { resolveRecipe } from '../../../src/engine/resolve-recipe';
import type { Recipe } from '../../../src/recipe/recipe';
import { tinyRecipe } from './tiny-models';

function codeOf(recipe: Recipe): string {
  try {
    resolveRecipe(recipe);
  } catch (error) {
    if (error instanceof LabError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('resolveRecipe', () => {
  it('prefers a model’s own parameter, then the recipe’s, then the default', () => {
    const merge = resolveRecipe({
      mergeMethod: 'ties',
      baseModel: 'base',
      models: [
        { model: 'a', parameters: { weight: 0.5, density: 0.2 } },
        { model: 'b', parameters: {} },
      ],
      parameters: { weight: 2 },
    });
    expect(merge.specialists).toEqual(['a', 'b']);
    expect(merge.numbers.perModel).toEqual({ weight: [0.5, 2], density: [0.2, 1] });
    expect(merge.numbers.scalars).toEqual({ lambda: 1 });
    expect(merge).toMatchObject({ base: 'base', donor: 'base', seed: 0, outDtype: undefined });
  });

  it('leaves the base out of the specialists and counts a repeated model once', () => {
    const merge = resolveRecipe({
      ...tinyRecipe('task_arithmetic', { a: 1, base: 9, b: 2 }),
      models: [
        { model: 'a', parameters: { weight: 1 } },
        { model: 'base', parameters: { weight: 9 } },
        { model: 'a', parameters: { weight: 5 } },
      ],
    });
    expect(merge.specialists).toEqual(['a']);
    expect(merge.numbers.perModel['weight']).toEqual([1]);
  });

  it('takes the base of a soup as a donor only, unless it is listed', () => {
    const soup = resolveRecipe(tinyRecipe('linear', { a: 1, b: 1 }));
    expect(soup).toMatchObject({ base: undefined, donor: 'base', specialists: ['a', 'b'] });
    const withBase = resolveRecipe(tinyRecipe('linear', { base: 1, b: 1 }));
    expect(withBase.specialists).toEqual(['base', 'b']);
    const { baseModel, ...alone } = tinyRecipe('linear', { a: 1 });
    expect(baseModel).toBe('base');
    expect(resolveRecipe(alone).donor).toBe('a');
  });

  it('reads switches as booleans or numbers and the granularity from the lab’s key', () => {
    const passes = (recipe: Recipe): string[] =>
      resolveRecipe(recipe).definition.passes.map((pass) => pass.scope);
    const ties = tinyRecipe('ties', { a: 1 });
    expect(passes(ties)).toEqual(['tensor']);
    expect(passes({ ...ties, mergelab: { granularity: 'model' } })).toEqual(['model']);
    const outputOf = (normalize: boolean | number): string =>
      JSON.stringify(resolveRecipe({ ...ties, parameters: { normalize } }).definition.output);
    expect(outputOf(1)).toBe(outputOf(true));
    expect(outputOf(0)).not.toBe(outputOf(1));
  });

  it('gives equal options the very same definition, by which passes are remembered', () => {
    const define = (weight: number, normalize: boolean): unknown =>
      resolveRecipe(tinyRecipe('ties', { a: weight }, { parameters: { normalize } })).definition;
    expect(define(1, true)).toBe(define(2, true));
    expect(define(1, true)).not.toBe(define(1, false));
  });

  it('follows mergekit in which dtype is written', () => {
    const soup = tinyRecipe('linear', { a: 1 });
    expect(resolveRecipe({ ...soup, dtype: 'float32' }).outDtype).toBe('F32');
    expect(resolveRecipe({ ...soup, dtype: 'float32', outDtype: 'float16' }).outDtype).toBe('F16');
  });

  it.each<[string, string, Recipe]>([
    ['an unknown method', 'recipe/unknown-method', tinyRecipe('tise', { a: 1 })],
    ['NaN as weight', 'recipe/bad-value', tinyRecipe('ties', { a: NaN })],
    ['an infinite weight', 'recipe/bad-value', tinyRecipe('linear', { a: Infinity })],
    ['no model', 'recipe/bad-value', tinyRecipe('ties', {})],
    ['only the base', 'recipe/bad-value', tinyRecipe('ties', { base: 1 })],
    [
      'no weight',
      'recipe/missing-parameter',
      { ...tinyRecipe('ties', {}), models: [{ model: 'a', parameters: {} }] },
    ],
    [
      'text as weight',
      'recipe/bad-value',
      { ...tinyRecipe('ties', {}), models: [{ model: 'a', parameters: { weight: 'x' } }] },
    ],
    [
      'a misspelt parameter',
      'recipe/unknown-key',
      { ...tinyRecipe('ties', { a: 1 }), parameters: { dnesity: 0.5 } },
    ],
    [
      'half a switch',
      'recipe/bad-value',
      { ...tinyRecipe('ties', { a: 1 }), parameters: { normalize: 0.5 } },
    ],
    [
      'no base for task vectors',
      'recipe/missing-model',
      { mergeMethod: 'ties', models: [{ model: 'a', parameters: { weight: 1 } }], parameters: {} },
    ],
    [
      'more models than kernels take',
      'recipe/bad-value',
      tinyRecipe('linear', Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`m${i}`, 1]))),
    ],
  ])('refuses %s', (_case, code, recipe) => {
    expect(codeOf(recipe)).toBe(code);
  });

  it('ignores parameters of other methods, as mergekit does', () => {
    const recipe = {
      ...tinyRecipe('linear', { a: 1 }),
      parameters: { density: 0.5, int8_mask: 1 },
    };
    expect(codeOf(recipe)).toBe('no error');
  });
});
