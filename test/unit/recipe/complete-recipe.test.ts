import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionsAt, hoverAt } from '../../../src/recipe/complete-recipe';
import { vocabulary } from './vocabulary';

const names = { vocabulary, models: ['math', 'org/coding'] };

/** Labels that are offered at the bar in a text. */
function offered(marked: string): string[] {
  const offset = marked.indexOf('|');
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  return completionsAt(text, offset, names).options.map(({ label }) => label);
}

const ties = 'merge_method: ties\nmodels:\n  - model: math\n';

describe('completionsAt', () => {
  it.each([
    ['merge_method: |', ['linear', 'ties', 'slerp']],
    ['merge_method: ti|es', ['linear', 'ties', 'slerp']],
    ['base_model: |', ['math', 'org/coding']],
    ['models:\n  - model: org/|', ['math', 'org/coding']],
    ['models: [{model: |', ['math', 'org/coding']],
    ['models:\n- |\n  parameters: {}\n', ['model']],
    ['slices:\n  - sources:\n      - layer_range: [0, 1]\n        |', ['model', 'parameters']],
    ['slices:\n  - sources: []\n    |', ['base_model', 'parameters', 'residual_weight']],
    ['dtype: |', ['float32', 'bfloat16', 'float16']],
    ['tokenizer_source: |', ['union', 'base', 'math', 'org/coding']],
    ['tokenizer: {|', ['source', 'tokens', 'pad_to_multiple_of']],
    ['tokenizer:\n  tokens:\n    "<s>": {force: |', ['true', 'false']],
    ['tokenizer:\n  tokens:\n    <s>:\n      source:\n        kind: |', ['zero', 'model_token']],
    ['mergelab:\n  granularity: |', ['tensor', 'model']],
    [`${ties}    parameters:\n      |`, ['weight', 'density']],
    [`${ties}    parameters: {weight: 1, |}`, ['density']],
    [`${ties}parameters:\n  |\n  weight: 1`, ['density', 'lambda', 'normalize', 'granularity']],
    [`${ties}parameters:\n  normalize: |`, ['true', 'false']],
    [`${ties}parameters: {granularity: |`, ['tensor', 'global']],
    [`${ties}parameters:\n  weight:\n    - |`, ['filter', 'value']],
    [
      'name: stage\nmerge_method: ties\n---\nmodels:\n  - model: |',
      ['math', 'org/coding', 'stage'],
    ],
    // Nothing is known about these places.
    ['models:\n  - model: math # |', []],
    ['ours:\n  |', []],
    ['chat_template: >-\n  {% if |', []],
    [`${ties}parameters:\n  weight: |`, []],
    ['merge_method: unheard_of\nparameters:\n  |', []],
  ])('at the bar in %j', (marked, expected) => {
    expect(offered(marked)).toEqual(expected);
  });

  it('offers top-level keys that are not there yet, one of models and slices', () => {
    const labels = offered(`${ties}|`);
    expect(labels).toContain('base_model');
    expect(labels).not.toContain('merge_method');
    expect(labels).not.toContain('slices');
  });

  it('replaces the whole word and adds the colon where none stands', () => {
    const text = 'merge_method: ties\nbase_mo';
    const { from, options } = completionsAt(text, text.length, names);
    expect(text.slice(from)).toBe('base_mo');
    expect(options.find(({ label }) => label === 'base_model')?.apply).toBe('base_model: ');
    const written = completionsAt('base_mo: x', 4, names).options;
    expect(written.find(({ label }) => label === 'base_model')).not.toHaveProperty('apply');
  });

  it('answers at every place of any text', () => {
    const pieces = fc.constantFrom(
      'models',
      ':',
      ' ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      '#',
      '|',
      'a',
      '---',
      '  ',
      '🙂',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), fc.nat(), (parts, place) => {
        const text = parts.join('');
        const offset = place % (text.length + 1);
        expect(completionsAt(text, offset, names).from).toBeLessThanOrEqual(offset);
        hoverAt(text, offset, names);
      }),
      { numRuns: 500 },
    );
  });
});

describe('hoverAt', () => {
  const text = `${ties}    parameters: {weight: 1}\n`;

  it.each([
    ['merge_method', 'How the models are merged.'],
    ['ties', 'Trims, elects, merges.'],
    ['weight', 'How much of this model.'],
  ])('explains %s', (word, meaning) => {
    const from = text.indexOf(word);
    expect(hoverAt(text, from + 1, names)).toEqual({ from, to: from + word.length, text: meaning });
  });

  it('is silent about everything else', () => {
    expect(hoverAt(text, text.indexOf('math'), names)).toBeUndefined();
    expect(hoverAt('', 0, names)).toBeUndefined();
  });
});
