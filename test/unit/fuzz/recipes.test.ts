import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalRecipe } from '../../../src/recipe/canonical-recipe';
import { lintRecipe, parseRecipes } from '../../../src/recipe/parse-recipe';
import { recipeHash } from '../../../src/recipe/recipe-hash';
import { decodeState, encodeState } from '../../../src/recipe/url-codec';
import { writeRecipe, writeRecipes } from '../../../src/recipe/write-recipe';
import { anyRecipe } from '../recipe/any-recipe';
import { vocabulary } from '../recipe/vocabulary';
import { asyncOutcomeOf, fuzzParameters, fuzzTimeoutMs, outcomeOf } from './fuzzing';
import { damagedText } from './mutations';

const recipeCodes =
  /^recipe\/(bad-value|missing-model|missing-parameter|syntax|unknown-key|unknown-method)$/;

/** Short, since YAML is slow to read, and between them every key of the dialect. */
const seeds = [
  'merge_method: linear\nmodels:\n  - {model: a, parameters: {weight: 1}}\n  - model: b@v1+c\n',
  'merge_method: ties\nbase_model: a\nmodels: [{model: b}]\nparameters: {density: [0, 1], normalize: true}\ndtype: float32\nout_dtype: bfloat16\n',
  'merge_method: slerp\nbase_model: a\nslices:\n  - sources:\n      - {model: a, layer_range: [0, 4]}\n      - {model: b, layer_range: [0, 4]}\nparameters: {t: [{filter: mlp, value: 0.3}, {value: 0.5}]}\n',
  'merge_method: linear\nmodels: [{model: a, parameters: &p {weight: 1}}, {model: b, parameters: {<<: *p}}]\ntokenizer: {source: union, tokens: {"<s>": {source: {kind: zero}, force: true}}}\nchat_template: auto\n',
  'name: one\nmerge_method: linear\nmodels: [{model: a}]\n---\nmerge_method: dare_ties\nbase_model: b\nmodels: [{model: one}]\nmergelab: {seed: 3, random: lab}\n',
];

describe('a damaged recipe', () => {
  it(
    'is read and written again, or refused with a code that lint finds, too',
    () => {
      for (const seed of seeds) expect(parseRecipes(seed).length).toBeGreaterThan(0);
      fc.assert(
        fc.property(damagedText(seeds), fc.boolean(), (text, lenient) => {
          const options = lenient ? { vocabulary, lenient } : { lenient };
          const outcome = outcomeOf(() => parseRecipes(text, 'm', options), recipeCodes);
          if (outcome.kind === 'refused') {
            const first = lintRecipe(text, options).find(({ severity }) => severity === 'error');
            expect(first?.code).toBe(outcome.code);
            return;
          }
          const recipes = outcome.value.map(({ recipe }) => recipe);
          if (recipes.length === 0) return;
          const again = parseRecipes(writeRecipes(recipes), 'm', options);
          expect(again.map(({ recipe }) => recipe)).toEqual(recipes);
        }),
        fuzzParameters(8_000),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('any recipe', () => {
  it(
    'has one canonical form, which stays when it is written and read',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyRecipe, async (recipe) => {
          const outcome = outcomeOf(() => canonicalRecipe(recipe), recipeCodes);
          if (outcome.kind === 'refused') throw new Error(outcome.code);
          const canonical = outcome.value;
          expect(canonicalRecipe(canonical)).toEqual(canonical);
          expect(await recipeHash(canonical)).toBe(await recipeHash(recipe));
          const [read] = parseRecipes(writeRecipe(canonical));
          expect(read?.recipe).toEqual(canonical);
        }),
        fuzzParameters(800),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('a damaged link', () => {
  it(
    'is decoded, or refused with a code',
    async () => {
      const states = [null, 'x', { recipe: seeds[0], models: ['a', 'b'] }, [1, [2, [3]]]];
      const links = await Promise.all(states.map(async (state) => encodeState(state)));
      expect(await decodeState(links[2] ?? '')).toEqual(states[2]);
      const any = fc.oneof(damagedText(links), fc.base64String({ maxLength: 64 }));
      await fc.assert(
        fc.asyncProperty(any, async (link) => {
          const outcome = await asyncOutcomeOf(async () => decodeState(link), /^url\/bad-state$/);
          if (outcome.kind === 'read') {
            expect(await decodeState(await encodeState(outcome.value))).toEqual(outcome.value);
          }
        }),
        fuzzParameters(3_000),
      );
    },
    fuzzTimeoutMs,
  );

  it('that unpacks without end is refused before it is unpacked', async () => {
    const bomb = await encodeState('a'.repeat(50_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    const outcome = await asyncOutcomeOf(async () => decodeState(bomb), /^url\/bad-state$/);
    expect(outcome).toEqual({ kind: 'refused', code: 'url/bad-state' });
  });
});
