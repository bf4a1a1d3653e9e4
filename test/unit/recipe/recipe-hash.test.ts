import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../../src/recipe/recipe';
import { recipeHash, recipesHash } from '../../../src/recipe/recipe-hash';

const recipe = (model: string, name?: string): Recipe => ({
  ...(name === undefined ? {} : { name }),
  mergeMethod: 'linear',
  models: [{ model, parameters: { weight: 1 } }],
  parameters: {},
});

describe('recipesHash', () => {
  it('is the recipe’s own for one that stands alone', async () => {
    expect(await recipesHash([recipe('a', 'soup')])).toBe(await recipeHash(recipe('a')));
  });

  it('tells merges apart whose stages differ, or are called otherwise', async () => {
    const final = recipe('soup');
    const hashes = await Promise.all(
      [[final], [recipe('a', 'soup'), final], [recipe('b', 'soup'), final]]
        .concat([
          [recipe('a', 'other'), final],
          [recipe('a', 'soup'), recipe('other')],
        ])
        .map(async (recipes) => recipesHash(recipes)),
    );
    expect(new Set(hashes).size).toBe(5);
    expect(hashes.every((hash) => /^[0-9a-f]{64}$/u.test(hash))).toBe(true);
  });
});
