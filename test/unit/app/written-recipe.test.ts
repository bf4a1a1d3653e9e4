import { describe, expect, it } from 'vitest';
import { longestLinkedText, readLink } from '../../../src/app/state/link';
import { RecipeDesk } from '../../../src/app/state/recipe-desk';
import { problemsIn, setupFromText } from '../../../src/app/state/recipe-text';
import {
  startSetup,
  withCoefficient,
  withParameter,
  type Setup,
} from '../../../src/app/state/setup';
import { recipeOf } from '../../../src/app/state/setup-recipe';
import { sliderIds } from '../../../src/app/state/slider-ids';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import { decodeState, encodeState } from '../../../src/recipe/url-codec';
import { smallCollection } from './collection';

const text = `# My merge
merge_method: ties
base_model: base
models:
  - model: math   # counts more
    parameters: {weight: [0.2, 1.0], density: 0.3}
  - model: coding
    parameters:
      weight: 0.5
      density: 0.3
parameters:
  lambda: 3.5   # beyond the slider
dtype: float32
`;

/** The setup after the sliders moved, as the session makes it. */
async function moved(
  change: (setup: Setup) => Setup,
  before = setupFromText(text, smallCollection),
) {
  const desk = new RecipeDesk();
  await desk.load();
  return desk.followed(before, change(before), smallCollection);
}

describe('a written recipe', () => {
  it('moves the sliders and says what they cannot show', () => {
    const { method, coefficients, parameters, written } = setupFromText(text, smallCollection);
    expect(method).toBe('ties');
    expect(coefficients['coding']).toBe(0.5);
    expect(parameters['ties']).toMatchObject({ density: 0.3 });
    expect(written?.unshown).toEqual(['dtype', 'weight of math', 'lambda']);
    expect(written?.recipe.parameters['lambda']).toBe(3.5);
  });

  it('has the method’s defaults for what it leaves out, not the page’s starts', () => {
    const { parameters } = setupFromText(
      'merge_method: ties\nbase_model: base\nmodels:\n  - model: math\n    parameters: {weight: 1}\n',
      smallCollection,
    );
    expect(parameters['ties']).toMatchObject({ density: 1 });
  });

  it('keeps comments and what the sliders did not touch', async () => {
    const after = await moved((setup) => withCoefficient(setup, 'coding', 0.75));
    const edited = after.written?.text ?? '';
    for (const kept of ['# My merge', '# counts more', '[0.2, 1.0]', '# beyond the slider']) {
      expect(edited).toContain(kept);
    }
    expect(edited).toContain('weight: 0.75');
    expect(parseRecipe(edited, 'page')).toEqual(after.written?.recipe);
    expect(after.coefficients['coding']).toBe(0.75);
  });

  it('gives way where a slider sets what the recipe alone had set', async () => {
    const after = await moved((setup) => withCoefficient(setup, 'math', 0.9));
    expect(after.written?.recipe.models[0]?.parameters['weight']).toBe(0.9);
    expect(after.written?.unshown).not.toContain('weight of math');
  });

  it('follows a change of method and of a setting', async () => {
    const after = await moved((setup) =>
      withParameter({ ...setup, method: 'dare_linear' }, 'density', 0.2),
    );
    const recipe = after.written?.recipe;
    expect(recipe?.mergeMethod).toBe('dare_linear');
    expect(recipe?.models.map(({ parameters }) => parameters['density'])).toEqual([0.2, 0.2]);
    expect(after.written?.text).toContain('# My merge');
    expect(problemsIn(after.written?.text ?? '', smallCollection)).toEqual([]);
  });

  it('stays as it is where only its text could have changed', async () => {
    const plain = await moved((setup) => setup, startSetup(smallCollection, 'ties'));
    expect(plain.written).toBeUndefined();
    const before = setupFromText(text, smallCollection);
    const forgotten = await moved((setup) => ({ ...setup, written: undefined }), before);
    expect(forgotten.written).toBeUndefined();
  });

  it('with slices shows weights that are alike in all of them, and sets them in all', async () => {
    const sliced = `merge_method: task_arithmetic
base_model: base
slices:
  - sources:
      - {model: base, layer_range: [0, 2]}
      - {model: math, layer_range: [0, 2], parameters: {weight: 0.6}}
  - sources:
      - {model: math, layer_range: [2, 3], parameters: {weight: 0.6}}   # the last layer
      - {model: coding, layer_range: [2, 3], parameters: {weight: 0.3}}
  - sources:
      - {model: coding, layer_range: [3, 4], parameters: {weight: 0.5}}
`;
    const before = setupFromText(sliced, smallCollection);
    expect(before.written?.unshown).toEqual(['slices', 'weight of coding']);
    expect(before.coefficients['math']).toBe(0.6);
    const after = await moved((setup) => withCoefficient(setup, 'math', 0.9), before);
    const weights = after.written?.recipe.slices?.map(({ sources }) =>
      sources.map(({ parameters }) => parameters['weight']),
    );
    expect(weights).toEqual([[undefined, 0.9], [0.9, 0.3], [0.5]]);
    expect(after.written?.text).toContain('weight: 0.9}}   # the last layer');
    const both = await moved((setup) => withCoefficient(setup, 'coding', 0.2), after);
    expect(both.written?.recipe.slices?.[2]?.sources[0]?.parameters['weight']).toBe(0.2);
    expect(both.written?.unshown).toEqual(['slices']);
  });

  it('of several documents has sliders for its stages, and changes the last', async () => {
    const staged = `name: soup
merge_method: linear
models:
  - {model: math, parameters: {weight: 1}}
  - {model: coding, parameters: {weight: 0.5}}
---
# What comes out
merge_method: task_arithmetic
base_model: base
models:
  - {model: soup, parameters: {weight: 0.7}}
  - {model: math+lora, parameters: {weight: 0.2}}
`;
    const before = setupFromText(staged, smallCollection);
    expect(before.method).toBe('task_arithmetic');
    expect(before.written?.stages.map(({ name }) => name)).toEqual(['soup']);
    expect(before.coefficients).toEqual({ math: 0, coding: 0, soup: 0.7, 'math+lora': 0.2 });
    expect(before.written?.unshown).toEqual(['the stage soup by linear']);
    const after = await moved((setup) => withCoefficient(setup, 'soup', 0.8), before);
    expect(after.written?.text).toBe(staged.replace('weight: 0.7', 'weight: 0.8'));
    const added = await moved((setup) => withCoefficient(setup, 'coding', 0.4), after);
    const models = added.written?.recipe.models.map(({ model }) => model);
    expect(models).toEqual(['soup', 'math+lora', 'coding']);
    expect(added.written?.stages).toEqual(before.written?.stages);
    expect(sliderIds(smallCollection, added)).toEqual(['math', 'coding', 'soup', 'math+lora']);
    const forgotten = { ...added, written: undefined };
    expect(sliderIds(smallCollection, forgotten)).toEqual(['math', 'coding']);
  });

  it('names mistakes with their line', () => {
    const [problem] = problemsIn('merge_method: tis\nmodels: []\n', smallCollection);
    expect(problem?.line).toBe(1);
    expect(problem?.sentence).toContain('ties');
    expect(() => setupFromText('merge_method: tis', smallCollection)).toThrow(/line 1/u);
  });
});

describe('a link with a written recipe', () => {
  it('brings text and sliders back', async () => {
    const setup = setupFromText(text, smallCollection);
    const state = { recipe: setup.written?.recipe, text, collection: 'zoo' };
    expect(text.length).toBeLessThan(longestLinkedText);
    const link = await decodeState(await encodeState(state));
    expect(await new RecipeDesk().fromLink(link, smallCollection)).toEqual(setup);
  });

  it('without text is read from the sliders’ settings', async () => {
    const link = { recipe: recipeOf(startSetup(smallCollection, 'ties'), smallCollection) };
    expect(await new RecipeDesk().fromLink(link, smallCollection)).toBeUndefined();
    expect(readLink(link, smallCollection).setup.method).toBe('ties');
  });

  it('whose text was too long keeps what the sliders cannot show', async () => {
    const recipe = setupFromText(text, smallCollection).written?.recipe;
    const setup = await new RecipeDesk().fromLink({ recipe }, smallCollection);
    expect(setup?.written?.recipe).toEqual(recipe);
    expect(setup?.written?.text).not.toContain('#');
  });

  it('with a broken text says what is wrong', async () => {
    const link = { recipe: {}, text: 'merge_method: [' };
    await expect(new RecipeDesk().fromLink(link, smallCollection)).rejects.toThrow(/The recipe/u);
  });
});
