import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import type { Recipe } from '../../../src/recipe/recipe';
import { recipeHash } from '../../../src/recipe/recipe-hash';
import { decodeState, encodeState } from '../../../src/recipe/url-codec';
import { writeRecipe } from '../../../src/recipe/write-recipe';

const tiesText = `# five specialists
merge_method: ties
base_model: base
models:
  - model: math
    parameters: {weight: 0.4, density: 0.2}
  - model: coding
    parameters:
      weight: "1e0"
parameters:
  normalize: yes
  lambda: 1.5
dtype: torch.float32
out_dtype: bfloat16
mergelab: {seed: 7, granularity: model}
`;

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof LabError) return error.code;
    throw error;
  }
  return 'none';
}

describe('parseRecipe', () => {
  it('reads mergekit’s dialect with its coercions', () => {
    expect(parseRecipe(tiesText)).toEqual({
      mergeMethod: 'ties',
      baseModel: 'base',
      models: [
        { model: 'math', parameters: { weight: 0.4, density: 0.2 } },
        { model: 'coding', parameters: { weight: 1 } },
      ],
      parameters: { normalize: true, lambda: 1.5 },
      dtype: 'float32',
      outDtype: 'bfloat16',
      mergelab: { seed: 7, granularity: 'model' },
    } satisfies Recipe);
  });

  it('names line, column and the nearest key of a misspelt one', () => {
    const text = tiesText.replace('base_model', 'base_modle');
    expect(() => parseRecipe(text, 'my.yml')).toThrow(
      'my.yml, line 3, column 1: the key base_modle is not known. Use base_model.',
    );
  });

  it.each([
    ['', 'recipe/syntax'],
    ['merge_method: [', 'recipe/syntax'],
    ['- 1', 'recipe/syntax'],
    ['models: [{model: a}]', 'recipe/syntax'],
    ['merge_method: ties', 'recipe/syntax'],
    ['merge_method: ties\nmodels: []', 'recipe/syntax'],
    ['merge_method: ties\nmodels: [{parameters: {}}]', 'recipe/syntax'],
    ['merge_method: ties\nmodels: [{model: 3}]', 'recipe/bad-value'],
    ['merge_method: ties\nmodels: [{model: a, wieght: 1}]', 'recipe/unknown-key'],
    ['merge_method: t\nmodels: [{model: a, parameters: {weight: .nan}}]', 'recipe/bad-value'],
    ['merge_method: t\nmodels: [{model: a, parameters: {weight: [0, x]}}]', 'recipe/bad-value'],
    ['merge_method: t\nmodels: [{model: a}]\ndtype: float8', 'recipe/bad-value'],
    ['merge_method: t\nmodels: [{model: a}]\nmergelab: {seed: -1}', 'recipe/bad-value'],
    ['merge_method: t\nmodels: [{model: a}]\nslices: [{sources: []}]', 'recipe/syntax'],
    ['x'.repeat(300_000), 'recipe/syntax'],
  ])('rejects %j', (text, code) => {
    expect(codeOf(() => parseRecipe(text))).toBe(code);
  });

  it('does not follow an alias bomb', () => {
    const lines = ['merge_method: t', 'a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level++) {
      const alias = `*a${level - 1}`;
      lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => alias).join(', ')}]`);
    }
    expect(codeOf(() => parseRecipe(lines.join('\n')))).toBe('recipe/syntax');
  });

  it('reads back what writeRecipe wrote, for any recipe', async () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_/-]{0,12}[a-z]$/);
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.boolean(),
    );
    const parameters = fc.dictionary(name, value, { maxKeys: 4 });
    const recipes = fc.record({
      mergeMethod: name,
      models: fc.array(fc.record({ model: name, parameters }), { minLength: 1, maxLength: 5 }),
      parameters,
    });
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const again = parseRecipe(writeRecipe(recipe));
        expect(await recipeHash(again)).toBe(await recipeHash(recipe));
      }),
      { numRuns: 200 },
    );
  });
});

describe('recipeHash', () => {
  it('ignores the order of parameters and nothing else', async () => {
    const recipe: Recipe = {
      mergeMethod: 'ties',
      models: [{ model: 'a', parameters: { weight: 1, density: 0.5 } }],
      parameters: {},
    };
    const reordered: Recipe = {
      ...recipe,
      models: [{ model: 'a', parameters: { density: 0.5, weight: 1 } }],
    };
    const changed: Recipe = {
      ...recipe,
      models: [{ model: 'a', parameters: { weight: 1, density: 0.4 } }],
    };
    expect(await recipeHash(reordered)).toBe(await recipeHash(recipe));
    expect(await recipeHash(changed)).not.toBe(await recipeHash(recipe));
  });
});

describe('link state', () => {
  it('round-trips any JSON value in URL-safe letters', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const text = await encodeState(value);
        expect(text).toMatch(/^[\w-]*$/);
        expect(JSON.stringify(await decodeState(text))).toBe(JSON.stringify(value));
      }),
      { numRuns: 100 },
    );
  });

  it('refuses damaged and oversized links with one sentence', async () => {
    const good = await encodeState({ weights: [1, 2, 3] });
    await expect(decodeState(good.slice(0, -4))).rejects.toMatchObject({ code: 'url/bad-state' });
    await expect(decodeState('%%%')).rejects.toMatchObject({ code: 'url/bad-state' });
    const bomb = await encodeState('x'.repeat(5_000_000));
    await expect(decodeState(bomb)).rejects.toMatchObject({ code: 'url/bad-state' });
  });
});
