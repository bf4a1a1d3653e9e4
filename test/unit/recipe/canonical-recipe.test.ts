import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalRecipe } from '../../../src/recipe/canonical-recipe';
import { evaluateSetting } from '../../../src/recipe/evaluate-setting';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import { recipeHash } from '../../../src/recipe/recipe-hash';
import { writeRecipe } from '../../../src/recipe/write-recipe';
import { anyRecipe } from './any-recipe';

async function hash(text: string): Promise<string> {
  return await recipeHash(parseRecipe(text));
}

const plain = `merge_method: ties
base_model: base
models:
  - {model: math@v1, parameters: {weight: 1, density: 0.5}}
  - {model: coding, parameters: {weight: [{filter: mlp, value: 0}, {value: 2}]}}
parameters: {normalize: true}
dtype: float32
tokenizer: {source: union}
`;

describe('recipeHash', () => {
  it.each([
    [
      'order of keys',
      (text: string) =>
        text.split('\n').slice(5).join('\n') + text.split('\n').slice(0, 5).join('\n'),
    ],
    ['comments and layout', (text: string) => text.replaceAll('\n', '   # note\n')],
    ['switches as numbers', (text: string) => text.replace('true', '1')],
    ['numbers as texts', (text: string) => text.replace('0.5', '"5e-1"')],
    ['a list of one value', (text: string) => text.replace('weight: 1', 'weight: [1]')],
    [
      'a filter for all',
      (text: string) =>
        text.replace('density: 0.5', 'density: [{filter: "*", value: [0.5]}, {value: 9}]'),
    ],
    ['the prefix of mergekit', (text: string) => text.replace('float32', 'torch.float32')],
    ['the same output dtype', (text: string) => `${text}out_dtype: float32\n`],
    [
      'the short form of the tokenizer',
      (text: string) => text.replace('tokenizer: {source: union}', 'tokenizer_source: union'),
    ],
    [
      'a model as mapping',
      (text: string) => text.replace('math@v1', '{model: {path: math, revision: v1}}'),
    ],
    ['what people read', (text: string) => `name: mine\nmergelab: {notes: good, seed: 0}\n${text}`],
    ['an empty key', (text: string) => `${text}chat_template:\n`],
  ])('does not see %s', async (_what, change) => {
    const changed = change(plain);
    expect(changed).not.toBe(plain);
    expect(await hash(changed)).toBe(await hash(plain));
  });

  it.each([
    ['the method', (text: string) => text.replace('ties', 'della')],
    ['a value', (text: string) => text.replace('0.5', '0.51')],
    [
      'the order of models',
      (text: string) =>
        text.replace('math@v1', 'x').replace('coding', 'math@v1').replace('x', 'coding'),
    ],
    ['a revision', (text: string) => text.replace('v1', 'v2')],
    ['a filter', (text: string) => text.replace('mlp', 'attn')],
    [
      'the order of filters',
      (text: string) =>
        text.replace(
          '[{filter: mlp, value: 0}, {value: 2}]',
          '[{value: 2}, {filter: mlp, value: 0}]',
        ),
    ],
    ['the dtype', (text: string) => text.replace('float32', 'bfloat16')],
    ['the seed', (text: string) => `${text}mergelab: {seed: 1}\n`],
    ['the granularity', (text: string) => `${text}mergelab: {granularity: tensor}\n`],
    ['the tokenizer', (text: string) => text.replace('union', 'base')],
  ])('sees %s', async (_what, change) => {
    expect(await hash(change(plain))).not.toBe(await hash(plain));
  });
});

describe('canonicalRecipe', () => {
  it('is its own canonical form and keeps every value', () => {
    const tensors = ['model.layers.2.mlp.up_proj', 'model.layers.3.self_attn.q_proj', 'lm_head'];
    fc.assert(
      fc.property(anyRecipe, fc.double({ min: 0, max: 1, noNaN: true }), (recipe, position) => {
        const canonical = canonicalRecipe(recipe);
        expect(canonicalRecipe(canonical)).toEqual(canonical);
        for (const [name, setting] of Object.entries(recipe.parameters)) {
          const same = canonical.parameters[name];
          if (same === undefined) throw new Error(`${name} was lost`);
          for (const tensor of tensors) {
            const value = evaluateSetting(setting, tensor, position);
            const expected = typeof value === 'boolean' ? Number(value) : value;
            expect(evaluateSetting(same, tensor, position)).toBe(expected);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('survives writing and reading', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecipe, async (recipe) => {
        const again = parseRecipe(writeRecipe(recipe));
        expect(again).toEqual(recipe);
        expect(await recipeHash(again)).toBe(await recipeHash(recipe));
      }),
      { numRuns: 200 },
    );
  });
});
