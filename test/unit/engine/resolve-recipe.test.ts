import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { resolveRecipe } from '../../../src/engine/resolve-recipe';
import type { Recipe, RecipeSource } from '../../../src/recipe/recipe';
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

const source = (model: string, from: number, to: number): RecipeSource => ({
  model,
  layerRange: [from, to],
  parameters: {},
});

describe('resolveRecipe', () => {
  it('leaves the base out of the specialists and counts a repeated model once', () => {
    const merge = resolveRecipe({
      ...tinyRecipe('task_arithmetic', {}),
      models: [
        { model: 'a', parameters: { weight: 1 } },
        { model: 'base', parameters: { weight: 9 } },
        { model: 'a', parameters: { weight: 5, density: 0.5 } },
      ],
    });
    expect(merge).toMatchObject({ base: 'base', donor: 'base', specialists: ['a'], seed: 0 });
    expect(merge.slices).toHaveLength(1);
    // The second listing gives only what the first does not.
    expect(merge.slices[0]?.specialists[0]?.settings).toEqual([
      { weight: 1 },
      { weight: 5, density: 0.5 },
    ]);
  });

  it('merges a base that is not listed as one more input of a soup, as mergekit does', () => {
    const soup = resolveRecipe({ ...tinyRecipe('linear', { a: 1, b: 1 }), baseModel: 'base' });
    expect(soup).toMatchObject({ base: undefined, donor: 'base', specialists: ['a', 'b', 'base'] });
    const listed = resolveRecipe({ ...tinyRecipe('linear', { base: 1, b: 1 }), baseModel: 'base' });
    expect(listed.specialists).toEqual(['base', 'b']);
    expect(resolveRecipe(tinyRecipe('linear', { a: 1 })).donor).toBe('a');
  });

  it('adds no base to slices, and takes the slice’s own before the recipe’s', () => {
    const slices = [
      { sources: [source('a', 0, 2), source('b', 2, 4)], parameters: {} },
      { sources: [source('b', 2, 3), source('c', 0, 1)], baseModel: 'c', parameters: { t: 1 } },
    ];
    const linear = resolveRecipe({ ...tinyRecipe('linear', {}), baseModel: 'base', slices });
    expect(linear).toMatchObject({
      stacksLayers: true,
      donor: 'base',
      specialists: ['a', 'b', 'c'],
    });
    const ties = resolveRecipe({ ...tinyRecipe('ties', {}), baseModel: 'a', slices });
    expect(ties.slices.map(({ base }) => base?.model)).toEqual(['a', 'c']);
    expect(ties).toMatchObject({ base: 'a', donor: 'a', specialists: ['c', 'b'] });
    expect(ties.slices[1]?.settings).toEqual([{ t: 1 }, {}]);
    expect(codeOf({ ...tinyRecipe('ties', {}), slices })).toBe('recipe/missing-model');
  });

  it('follows mergekit in which dtype is written', () => {
    const soup = tinyRecipe('linear', { a: 1 });
    expect(resolveRecipe(soup).outDtype).toBeUndefined();
    expect(resolveRecipe({ ...soup, dtype: 'float32' }).outDtype).toBe('F32');
    expect(resolveRecipe({ ...soup, dtype: 'float32', outDtype: 'float16' }).outDtype).toBe('F16');
  });

  it.each<[string, string, Recipe]>([
    ['an unknown method', 'recipe/unknown-method', tinyRecipe('tise', { a: 1 })],
    ['no model', 'recipe/bad-value', tinyRecipe('ties', {})],
    ['only the base', 'recipe/bad-value', tinyRecipe('ties', { base: 1 })],
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
});
