import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { editRecipe } from '../../../src/recipe/edit-recipe';
import { parseRecipe, parseRecipes } from '../../../src/recipe/parse-recipe';
import type { Recipe } from '../../../src/recipe/recipe';
import { recipeHash } from '../../../src/recipe/recipe-hash';
import { recipeKeys, writeRecipe } from '../../../src/recipe/write-recipe';
import { anyRecipe } from './any-recipe';

const text = `# my best merge so far
merge_method:   ties   # try dare_ties too
base_model: "base"

models:
  # the strong one
  - model: math
    parameters: {weight: 0.40,   density: 0.2}  # found by sweep
  - model: coding   # the weak one
    parameters:
      weight:   # gradient
        - 0
        - 1
      # nothing below


parameters:
    normalize: yes # keeps the sum
    lambda: 1.5
dtype: torch.float32   # mergekit's prefix
`;

const recipe = parseRecipe(text);

function withModel(name: string, parameters: Recipe['parameters']): Recipe {
  return {
    ...recipe,
    models: recipe.models.map((entry) =>
      entry.model === name
        ? { ...entry, parameters: { ...entry.parameters, ...parameters } }
        : entry,
    ),
  };
}

describe('editRecipe', () => {
  it('leaves a text alone when it says the recipe already', () => {
    expect(editRecipe(text, recipe)).toBe(text);
  });

  it.each<[string, Recipe, string, string]>([
    ['a value in braces', withModel('math', { weight: 0.55 }), 'weight: 0.40', 'weight: 0.55'],
    ['the method', { ...recipe, mergeMethod: 'dare_ties' }, ':   ties ', ':   dare_ties '],
    ['a quoted model', { ...recipe, baseModel: 'other' }, '"base"', '"other"'],
    [
      'a switch',
      { ...recipe, parameters: { ...recipe.parameters, normalize: false } },
      'normalize: yes #',
      'normalize: false #',
    ],
    ['a new key in braces', withModel('math', { gamma: 0.1 }), '0.2}', '0.2, gamma: 0.1}'],
    [
      'a new key in lines',
      withModel('coding', { density: 0.5 }),
      '        - 1\n',
      '        - 1\n      density: 0.5\n',
    ],
    [
      'a list over several lines',
      withModel('coding', { weight: 0.3 }),
      'weight:   # gradient\n        - 0\n        - 1\n',
      'weight: 0.3\n',
    ],
    [
      'a filter',
      {
        ...recipe,
        parameters: { ...recipe.parameters, lambda: [{ filter: 'mlp', value: [0, 1] }] },
      },
      '    lambda: 1.5\n',
      '    lambda:\n      - filter: mlp\n        value: [0, 1]\n',
    ],
    [
      'a removed key',
      { ...recipe, parameters: { lambda: 1.5 } },
      '    normalize: yes # keeps the sum\n',
      '',
    ],
    [
      'a removed model',
      { ...recipe, models: recipe.models.slice(1) },
      '  - model: math\n    parameters: {weight: 0.40,   density: 0.2}  # found by sweep\n',
      '',
    ],
    [
      'a new model',
      { ...recipe, models: [...recipe.models, { model: 'new', parameters: { weight: 1 } }] },
      '        - 1\n',
      '        - 1\n  - model: new\n    parameters:\n      weight: 1\n',
    ],
    [
      'a new top key',
      { ...recipe, mergelab: { seed: 3 } },
      'prefix\n',
      'prefix\nmergelab:\n  seed: 3\n',
    ],
    [
      'a new top key in its usual place',
      { ...recipe, outDtype: 'bfloat16' },
      'prefix\n',
      'prefix\nout_dtype: bfloat16\n',
    ],
  ])('changes %s and nothing else', (_what, changed, was, is) => {
    expect(text.split(was)).toHaveLength(2);
    expect(editRecipe(text, changed)).toBe(text.replace(was, is));
  });
});

describe('editRecipe, in unusual layouts', () => {
  const math = { model: 'math', parameters: { weight: 1 } };
  const coding = { model: 'coding', parameters: { weight: 2 } };

  it('keeps the comments of models that change places', () => {
    const swapped = { ...recipe, models: recipe.models.toReversed() };
    const edited = editRecipe(text, swapped);
    expect(parseRecipe(edited)).toEqual(swapped);
    expect(edited).toContain('- model: coding # the weak one');
    expect(edited).toContain('# the strong one');
    expect(edited.startsWith('# my best merge so far\n')).toBe(true);
  });

  it('changes one of two models that share an anchor', () => {
    const shared = `merge_method: ties # m
models:
  - model: math
    parameters: &both {weight: 1}
  - model: coding
    parameters: *both
`;
    const first = { ...parseRecipe(shared), models: [{ ...math, parameters: { weight: 3 } }] };
    const changed = {
      ...first,
      models: [...first.models, { ...coding, parameters: { weight: 1 } }],
    };
    const edited = editRecipe(shared, changed);
    expect(parseRecipe(edited)).toEqual(changed);
    expect(edited).toContain('# m');
    const second = { ...changed, models: [math, { ...coding, parameters: { weight: 3 } }] };
    expect(editRecipe(shared, second)).toContain('&both {weight: 1}');
    expect(parseRecipe(editRecipe(shared, second))).toEqual(second);
  });

  it('changes a module where it stands', () => {
    const modular = `merge_method: ties
modules:
  default: # the only one
    models: [{model: math, parameters: {weight: 1}}]
    parameters: {lambda: 2}
parameters: {lambda: 1, normalize: true}
`;
    const before = parseRecipe(modular);
    expect(before.parameters).toEqual({ lambda: 2, normalize: true });
    const changed = { ...before, models: [math], parameters: { lambda: 3, normalize: false } };
    expect(editRecipe(modular, changed)).toBe(
      modular.replace('{lambda: 2}', '{lambda: 3}').replace('true', 'false'),
    );
  });

  it('changes one document of several', () => {
    const stages = `# first\nname: stage\nmerge_method: linear\nmodels:\n- model: math # it\n- {model: coding}\n---\n# last\nmerge_method: ties\nmodels: [{model: stage}]\n`;
    const [first, last] = parseRecipes(stages).map((document) => document.recipe);
    if (first === undefined || last === undefined) throw new Error('two documents');
    expect(editRecipe(stages, { ...first, mergeMethod: 'karcher' }, 0)).toBe(
      stages.replace('linear', 'karcher'),
    );
    expect(
      editRecipe(stages, { ...last, models: [{ model: 'stage', parameters: { weight: 1 } }] }),
    ).toBe(stages.replace('{model: stage}', '{model: stage, parameters: {weight: 1}}'));
    const reversed = { ...first, models: first.models.toReversed() };
    expect(editRecipe(stages, reversed, 0)).toBe(
      stages.replace(
        /- model: math # it\n- {model: coding}\n/,
        '- {model: coding}\n- model: math # it\n',
      ),
    );
  });

  it('keeps the short form of the tokenizer while it says enough', () => {
    const short = 'merge_method: ties\nmodels: [{model: a}]\ntokenizer_source: union\n';
    const before = parseRecipe(short);
    const base = { ...before, tokenizer: { source: 'base', tokens: {} } };
    expect(editRecipe(short, base)).toBe(short.replace('union', 'base'));
    const padded = { ...before, tokenizer: { source: 'union', tokens: {}, padToMultipleOf: 8 } };
    expect(parseRecipe(editRecipe(short, padded))).toEqual(padded);
  });

  it('keeps keys that only somebody else knows, and the line ends of Windows', () => {
    const windows = 'merge_method: ties # m\r\nours: 1\r\nmodels:\r\n  - model: a\r\n';
    const changed = parseRecipe('merge_method: linear\nmodels: [{model: a, parameters: {t: 1}}]');
    expect(editRecipe(windows, changed)).toBe(
      windows.replace('ties', 'linear').replace('a\r\n', 'a\r\n    parameters:\r\n      t: 1\r\n'),
    );
  });

  it('cuts lines out of a text of Windows', () => {
    const windows =
      'merge_method: ties\r\nmodels:\r\n  - model: a\r\n  - model: b\r\ndtype: float16\r\n';
    const changed = parseRecipe('merge_method: ties\nmodels: [{model: b}]');
    expect(editRecipe(windows, changed)).toBe('merge_method: ties\r\nmodels:\r\n  - model: b\r\n');
  });

  it('turns any recipe into any other, in block and flow layout', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecipe, anyRecipe, fc.boolean(), async (before, after, isFlow) => {
        const written = isFlow
          ? stringify(recipeKeys(before), { version: '1.1', collectionStyle: 'flow' })
          : writeRecipe(before);
        const edited = editRecipe(`# a comment\n${written}`, after);
        const again = parseRecipe(edited);
        expect(await recipeHash(again)).toBe(await recipeHash(after));
        expect(again.name).toBe(after.name);
        expect(edited).toContain('# a comment');
      }),
      { numRuns: 40 },
    );
  });

  it('leaves every other line as it is when one slider moves', () => {
    const ofModels = anyRecipe.filter(({ slices }) => slices === undefined);
    const slider = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(ofModels, slider, slider, (rest, was, weight) => {
        const [first = { model: 'a', parameters: {} }, ...others] = rest.models;
        const own = { ...first, parameters: { ...first.parameters, weight: was } };
        const before = { ...rest, models: [own, ...others] };
        const lines = writeRecipe(before)
          .split('\n')
          .map((line) =>
            /^ *(- )?\w+: [\w.]+$/.test(line) ? `${line}   #  ${line.length}` : line,
          );
        const parameters = { ...own.parameters, weight };
        const changed = { ...before, models: [{ ...first, parameters }, ...others] };
        const edited = editRecipe(lines.join('\n'), changed).split('\n');
        expect(edited).toHaveLength(lines.length);
        const moved = edited.filter((line, at) => line !== lines[at]);
        expect(moved.length).toBeLessThanOrEqual(1);
        for (const line of moved) expect(line).toMatch(/^ {6}weight: /);
      }),
      { numRuns: 40 },
    );
  });
});
