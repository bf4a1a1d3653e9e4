import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { lintRecipe, parseRecipe, parseRecipes } from '../../../src/recipe/parse-recipe';
import { vocabulary } from './vocabulary';

/** Every problem as `line:column severity code sentence`. */
function problems(text: string, options: Parameters<typeof lintRecipe>[1] = {}): string[] {
  return lintRecipe(text, options).map(
    ({ line, column, severity, code, sentence }) =>
      `${line}:${column} ${severity} ${code} ${sentence}`,
  );
}

const wrong = `merge_method: tise
base_modle: base
models:
  - model: math
    parameters: {wieght: 0.4, density: [0.1, x]}
  - model: a+b+c
  - modle: coding
parameters:
  normalize: {filter: mlp, value: 1}
dtype: float8
`;

describe('lintRecipe', () => {
  it('quotes no more of a long text than a sentence bears, and still says what to do', () => {
    const long = 'x'.repeat(70_000);
    const words = 'x '.repeat(30_000);
    for (const text of [
      `!${long} a`,
      `merge_method: linear\nmodels: [{model: ${long}}]\nparameters: {${long}: x}\n`,
      `merge_method: linear\nmodels: [{model: a}]\nparameters: {"${words}": [x]}\n`,
      `*${long}`,
      `{${long}: 1, ${long}: 2}`,
    ]) {
      const found = lintRecipe(text, { vocabulary, models: ['a'] });
      expect(found.length).toBeGreaterThan(0);
      for (const { sentence } of found) {
        expect(sentence.length).toBeLessThan(1600);
        expect(sentence).toMatch(/\.$/);
      }
    }
  });

  it('finds nothing in a good recipe', () => {
    const text = 'merge_method: ties\nmodels: [{model: a, parameters: {weight: 1}}]\n';
    expect(problems(text, { vocabulary, models: ['a'] })).toEqual([]);
  });

  it('finds all problems at once, from the top down', () => {
    expect(problems(wrong, { vocabulary })).toEqual([
      '1:15 error recipe/unknown-method there is no merging method tise. Use ties.',
      '2:1 error recipe/unknown-key the key base_modle is not known. Use base_model.',
      '5:18 error recipe/unknown-key no method has a parameter wieght. Use weight.',
      '5:46 error recipe/bad-value density is a list along the layers, so each entry must be a number.',
      '6:12 error recipe/bad-value "a+b+c" does not name a model: a model takes one adapter, written MODEL+ADAPTER. Correct the reference.',
      '7:5 error recipe/unknown-key the key modle is not known. Use model.',
      '9:14 error recipe/bad-value normalize is a mapping, but filters stand in a list. Write "- filter: mlp" with its value below.',
      '10:8 error recipe/bad-value dtype is "float8". Use one of float32, bfloat16, float16.',
    ]);
  });

  it('marks the place of each', () => {
    const marked = lintRecipe(wrong, { vocabulary }).map(({ from, to }) => wrong.slice(from, to));
    expect(marked).toEqual([
      'tise',
      'base_modle',
      'wieght',
      'x',
      'a+b+c',
      'modle',
      '{filter: mlp, value: 1}',
      'float8',
    ]);
  });

  it('knows the parameters of the method', () => {
    const text = `merge_method: ties
models:
  - model: a
    parameters: {wieght: 1, normalize: true, t: 0.5, int8_mask: true}
parameters: {granularity: per_row, lambda: heavy}
`;
    expect(problems(text, { vocabulary })).toEqual([
      '4:18 error recipe/unknown-key ties has no parameter wieght. Use weight.',
      '4:29 warning recipe/unknown-key normalize is one value for the whole merge and does nothing under a model. Move it to parameters.',
      '4:46 warning recipe/unknown-key ties does not read t, so it changes nothing. Remove it, or choose another method.',
      '4:54 warning recipe/unknown-key ties does not read int8_mask, so it changes nothing. Remove it, or choose another method.',
      '5:27 error recipe/bad-value granularity is "per_row", but must be one of tensor, global.',
      '5:44 error recipe/bad-value lambda is "heavy", but must be a number, true or false.',
    ]);
  });

  it('turns unknown keys into warnings when lenient, and leaves them out', () => {
    const text = `merge_method: ties
unheard_of: 1
models: [{model: a, parameters: {wieght: 1, weight: 2}}]
`;
    const options = { vocabulary, lenient: true };
    expect(lintRecipe(text, options).map(({ severity }) => severity)).toEqual([
      'warning',
      'warning',
    ]);
    expect(parseRecipe(text, 'recipe', options)).toEqual({
      mergeMethod: 'ties',
      models: [{ model: 'a', parameters: { weight: 2 } }],
      parameters: {},
    });
  });

  it('warns of what changes nothing', () => {
    const text = `merge_method: linear
slices:
  - sources: [{model: a, layer_range: [0, 2]}]
    residual_weight: 0.5
parameters:
  weight: [{value: 1}, {filter: mlp, value: 2}]
`;
    expect(problems(text)).toEqual([
      '4:22 warning recipe/bad-value residual_weight does nothing, in mergekit as here. Remove it.',
      '6:24 warning recipe/bad-value an earlier entry of weight holds for every tensor, so this one is never reached. Move it up.',
    ]);
    const twice = 'merge_method: linear\nmodels: [{model: a}, {model: a}]';
    expect(problems(twice)).toEqual([
      '2:30 warning recipe/bad-value this model is listed twice, and only its first entry counts. Remove one.',
    ]);
  });

  it('compares models with those at hand', () => {
    const text = 'merge_method: linear\nmodels: [{model: maht}, {model: org/far}, {model: x}]';
    expect(problems(text, { models: ['math', 'coding'] })).toEqual([
      '2:18 error recipe/missing-model there is no model maht. Use math.',
      '2:51 error recipe/missing-model there is no model x. Known are math, coding.',
    ]);
    expect(problems(text)).toEqual([]);
  });

  it('names the places of broken YAML', () => {
    expect(problems('merge_method: [\n')[0]).toMatch(/^2:1 error recipe\/syntax Flow sequence/);
    expect(problems('merge_method: *b\nmodels: [{model: a}]')[0]).toMatch(
      /^1:15 error recipe\/syntax there is no anchor &b/,
    );
    expect(problems('merge_method: ties\n\tx: 1')[0]).toMatch(/^2:1 error recipe\/syntax Tabs/);
    expect(problems('')).toEqual([
      '1:1 error recipe/syntax a recipe is a mapping with the keys merge_method and models. Add them.',
    ]);
  });

  it('says the same as the parser, which throws the first error', () => {
    const first = lintRecipe(wrong, { vocabulary })[0];
    expect(() => parseRecipe(wrong, 'my.yml', { vocabulary })).toThrow(
      new LabError('recipe/unknown-method', `my.yml, line 1, column 15: ${first?.sentence ?? ''}`, {
        details: { file: 'my.yml', line: 1, column: 15 },
      }),
    );
  });

  it('has caps for what nobody writes by hand', () => {
    const many = (count: number, each: string): string =>
      Array.from({ length: count }, () => each).join(', ');
    const recipe = (rest: string): string => `merge_method: linear\n${rest}`;
    const codes = [
      recipe(`models: [${many(65, '{model: a}')}]`),
      recipe(`models: [{model: a, parameters: {weight: [${many(1025, '1')}]}}]`),
      recipe(`slices: [${many(1025, '{sources: [{model: a, layer_range: [0, 1]}]}')}]`),
      recipe('slices: [{sources: [{model: a, layer_range: [0, 20000]}]}]'),
      recipe(`models: ${'['.repeat(60)}${']'.repeat(60)}`),
      '['.repeat(20_000),
      '- '.repeat(20_000),
      Array.from({ length: 65 }, () => 'merge_method: linear').join('\n---\n'),
      `a: ${'x'.repeat(262_144)}`,
    ].map((text) => lintRecipe(text).filter(({ severity }) => severity === 'error')[0]?.code);
    expect(codes).toEqual([
      ...Array.from({ length: 4 }, () => 'recipe/bad-value'),
      ...Array.from({ length: 2 }, () => 'recipe/syntax'),
      'recipe/syntax',
      'recipe/syntax',
      'recipe/syntax',
    ]);
  });
});

describe('parseRecipes', () => {
  const stage = (name: string, uses: string): string =>
    `${name === '' ? '' : `name: ${name}\n`}merge_method: linear\nmodels: [{model: ${uses}}]\n`;

  it('puts documents in the order in which they are merged, the final one last', () => {
    const text = ['', 'late', 'early'].map((name, at) =>
      stage(name, ['late', 'early', 'a'][at] ?? ''),
    );
    const documents = parseRecipes(text.join('---\n'));
    expect(documents.map(({ recipe, uses, index }) => [recipe.name, uses, index])).toEqual([
      ['early', [], 2],
      ['late', ['early'], 1],
      [undefined, ['late'], 0],
    ]);
  });

  it('sees names with a revision, as base and as source of the tokenizer', () => {
    const last = `merge_method: ties\nbase_model: one@main+lora\nmodels: [{model: a}]\ntokenizer_source: two\n`;
    const documents = parseRecipes([stage('one', 'a'), stage('two', 'b'), last].join('---\n'));
    expect(documents.at(-1)?.uses.toSorted()).toEqual(['one', 'two']);
  });

  it.each([
    [[stage('', 'a'), stage('', 'b')], '4:1 error', 'only one document may be without a name'],
    [[stage('x', 'a'), stage('x', 'b')], '5:7 error', 'the name x stands for an earlier document'],
    [
      [stage('x', 'y'), stage('y', 'x')],
      '3:18 error',
      'x uses y, but that cannot be made before it',
    ],
    [[stage('x', 'x')], '3:18 error', 'x uses x, but that cannot be made before it'],
    [[stage('maths', 'a'), stage('', 'math')], '6:18 warning', 'one is named maths'],
    [[stage('a+b', 'a')], '1:7 error', 'name stands for a model and a folder'],
  ])('reports %j', (documents, place, part) => {
    const found = problems(documents.join('---\n'));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(place);
    expect(found[0]).toContain(part);
  });

  it('ignores empty documents beside others', () => {
    expect(parseRecipes(`---\n${stage('', 'a')}---\n`)).toHaveLength(1);
    expect(parseRecipe(`${stage('', 'a')}...\n`).models).toHaveLength(1);
  });

  it('does not take several documents for one', () => {
    expect(() => parseRecipe([stage('x', 'a'), stage('', 'x')].join('---\n'))).toThrow(
      'several recipes',
    );
  });
});
