import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { editRecipe } from '../../../src/recipe/edit-recipe';
import { lintRecipe, parseRecipe, parseRecipes } from '../../../src/recipe/parse-recipe';
import type { Recipe } from '../../../src/recipe/recipe';
import { vocabulary } from './vocabulary';

const folder = new URL('../../fixtures/recipes/', import.meta.url);
const examples = readdirSync(new URL('examples/', folder)).map((name) =>
  readFileSync(new URL(`examples/${name}`, folder), 'utf8'),
);
const anchored = `merge_method: ties
models:
  - {model: a, parameters: &p {weight: [{filter: mlp, value: [0, 1]}]}}
  - {model: {model: {path: b}}, parameters: {<<: *p, density: 1e-1}}
tokenizer: {tokens: {"<s>": {source: {kind: model_token, model: a, token_id: 1}}}}
---
name: stage
merge_method: linear
slices: [{sources: [{model: a, layer_range: [0, 4]}]}]
chat_template: |
  {{ x }}
`;

/** Bytes that mean something to YAML, and some that never should be there. */
const piece = fc.oneof(
  fc.constantFrom(
    ':',
    '- ',
    '\n',
    ' ',
    '  ',
    '\t',
    '{',
    '}',
    '[',
    ']',
    ',',
    '&a ',
    '*a',
    '<<: ',
    '!!set ',
    '!x ',
    '? ',
    '| ',
    '> ',
    '"',
    "'",
    '#',
    '%',
    '@',
    '`',
    '---\n',
    '...\n',
    '~',
    '.nan',
    '0x',
    '1e999',
    '\r',
    '\0',
    '\ufeff',
    '\ud800',
    '🙂',
    '__proto__: ',
    'constructor',
    'model',
    'parameters',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.integer({ min: 0, max: 12 }),
  piece,
});
const mutated = fc
  .tuple(fc.constantFrom(...examples, anchored), fc.array(change, { minLength: 1, maxLength: 4 }))
  .map(([text, changes]) =>
    changes.reduce((now, { at, cut, piece: added }) => {
      const from = Math.floor(at * now.length);
      return now.slice(0, from) + added + now.slice(from + cut);
    }, text),
  );

function parsed<Value>(read: () => Value): Value | LabError {
  try {
    return read();
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
}

const plain: Recipe = {
  mergeMethod: 'ties',
  models: [{ model: 'a', parameters: { weight: 1 } }],
  parameters: {},
};

describe('any damaged recipe', () => {
  it('is read, or refused with one LabError that lint finds too', () => {
    fc.assert(
      fc.property(mutated, fc.boolean(), (text, lenient) => {
        const options = { vocabulary, lenient };
        const problems = lintRecipe(text, options);
        const outcome = parsed(() => parseRecipes(text, 'fuzz', options));
        const error = problems.find(({ severity }) => severity === 'error');
        if (outcome instanceof LabError) {
          expect(outcome.code).toBe(error?.code);
          expect(outcome.message).toContain(error?.sentence);
        } else {
          expect(error).toBeUndefined();
          expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
        }
        for (const { from, to, line, column } of problems) {
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeGreaterThanOrEqual(from);
          expect(to).toBeLessThanOrEqual(text.length + 1);
          expect(line * column).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is edited, or refused with a LabError', () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const edited = parsed(() => editRecipe(text, plain));
        if (edited instanceof LabError) return;
        const documents = parseRecipes(edited, 'fuzz', { lenient: true });
        expect(documents.map(({ recipe }) => recipe)).toContainEqual(plain);
      }),
      { numRuns: 300 },
    );
  });

  it('takes no time out of proportion', () => {
    const startMs = performance.now();
    const bombs = [
      '['.repeat(30_000),
      '{a: '.repeat(10_000),
      '- '.repeat(15_000),
      '? '.repeat(15_000),
      '&a '.repeat(10_000),
      '*a '.repeat(10_000),
      '---\n'.repeat(8_000),
      '"'.repeat(30_000),
      `models: [${'{model: a},'.repeat(3_000)}]`,
      Array.from({ length: 4_000 }, (_, at) => `k${at}: 1`).join('\n'),
      `a: &a [${'1,'.repeat(4_000)}]\nb: [${'*a,'.repeat(4_000)}]`,
    ];
    for (const text of bombs) expect(parsed(() => parseRecipe(text))).toBeInstanceOf(LabError);
    // About 2 s on an idle core; what is quadratic would take minutes.
    expect(performance.now() - startMs).toBeLessThan(60_000);
  }, 90_000);
});
