import { describe, expect, it } from 'vitest';
import { MergedCheckpoint } from '../../../src/engine/merged-checkpoint';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import { throwFirstError } from '../../../src/engine/finding';
import type { Recipe, RecipeSlice } from '../../../src/recipe/recipe';
import { CountingBackend, layeredModels, tinyRecipe } from './tiny-models';

function slice(...sources: readonly (readonly [string, number, number])[]): RecipeSlice {
  return {
    sources: sources.map(([model, from, to]) => ({
      model,
      layerRange: [from, to],
      parameters: { weight: 1 },
    })),
    parameters: {},
  };
}

function stacked(...slices: readonly RecipeSlice[]): Recipe {
  return { ...tinyRecipe('linear', {}), slices };
}

const layer = (index: number): string => `model.layers.${index}.mlp.up_proj.weight`;

function errorsOf(plan: MergePlan): readonly string[] {
  return plan.findings.filter((one) => one.severity === 'error').map((one) => one.sentence);
}

describe('slices', () => {
  it('number the layers anew and take the outer tensors from the first and the last', async () => {
    const inputs = await layeredModels({ a: 3, b: 4 });
    const plan = await planMerge(stacked(slice(['a', 0, 2]), slice(['b', 1, 4])), inputs);
    throwFirstError(plan.findings);
    const sources = plan.tensors.map((tensor) => [
      tensor.name,
      tensor.kind === 'merge' &&
        tensor.sources.map(({ model, name }) => `${model.id}:${name.replace(/^model\./, '')}`),
    ]);
    expect(sources).toEqual([
      ['model.embed_tokens.weight', ['a:embed_tokens.weight']],
      [layer(0), ['a:layers.0.mlp.up_proj.weight']],
      [layer(1), ['a:layers.1.mlp.up_proj.weight']],
      [layer(2), ['b:layers.1.mlp.up_proj.weight']],
      [layer(3), ['b:layers.2.mlp.up_proj.weight']],
      [layer(4), ['b:layers.3.mlp.up_proj.weight']],
      ['model.norm.weight', ['b:norm.weight']],
    ]);
    expect(plan.configChanges).toEqual({ layerCount: 5 });
    const weights = await mergeToMemory(plan, new CountingBackend(), 'm');
    const merged = new MergedCheckpoint(weights);
    expect(await merged.read(layer(3))).toEqual(await inputs.get('b')?.checkpoint.read(layer(2)));
  });

  it('place gradients inside each slice', async () => {
    const inputs = await layeredModels({ a: 3, b: 3 });
    const graded = slice(['a', 0, 3], ['b', 0, 3]);
    const recipe = stacked(
      {
        ...graded,
        sources: graded.sources.map((one) => ({ ...one, parameters: { weight: [0, 2] } })),
      },
      slice(['a', 2, 3]),
    );
    const plan = await planMerge(recipe, inputs);
    const weights = plan.tensors.flatMap((tensor) =>
      tensor.kind === 'merge' && tensor.layer ? [tensor.numbers.perModel['weight']] : [],
    );
    expect(weights).toEqual([[0, 0], [1, 1], [2, 2], [1]]);
  });

  it('slice the kinds of layers with them', async () => {
    const kinds = ['full', 'sliding', 'full', 'sliding'];
    const inputs = await layeredModels({ a: 4 }, { layer_types: kinds });
    const plan = await planMerge(stacked(slice(['a', 0, 1]), slice(['a', 1, 4])), inputs);
    expect(plan.configChanges).toMatchObject({ layerCount: 4, layerTypes: kinds });
    const fewer = await planMerge(stacked(slice(['a', 3, 4]), slice(['a', 0, 2])), inputs);
    expect(fewer.configChanges).toMatchObject({
      layerCount: 3,
      layerTypes: ['sliding', 'full', 'sliding'],
    });
  });

  it('may be empty to choose whose outer tensors are taken', async () => {
    const inputs = await layeredModels({ a: 2, b: 2 });
    const plan = await planMerge(stacked(slice(['a', 0, 2]), slice(['b', 2, 2])), inputs);
    throwFirstError(plan.findings);
    const norm = plan.tensors.at(-1);
    expect(norm?.kind === 'merge' && norm.sources[0]?.model.id).toBe('b');
  });

  it.each<[string, RecipeSlice[], RegExp]>([
    ['of unequal length', [slice(['a', 0, 2], ['b', 0, 1])], /2 of "a", 1 of "b"/],
    ['beyond the last layer', [slice(['a', 0, 5])], /\[0, 5\] of "a".*3 layers/],
    ['reversed', [slice(['a', 2, 0])], /\[2, 0\] of "a"/],
    ['from before the first layer', [slice(['a', -1, 1])], /\[-1, 1\] of "a"/],
    ['all of them empty', [slice(['a', 1, 1])], /no layers at all/],
  ])('are errors when they are %s', async (_case, slices, words) => {
    const inputs = await layeredModels({ a: 3, b: 3 });
    const plan = await planMerge(stacked(...slices), inputs);
    expect(errorsOf(plan)).toEqual([expect.stringMatching(words)]);
  });
});

describe('whole models', () => {
  it('have equally many layers, or that is the one error', async () => {
    const inputs = await layeredModels({ base: 3, a: 5, b: 3 });
    const plan = await planMerge(tinyRecipe('task_arithmetic', { a: 1, b: 1 }), inputs);
    expect(errorsOf(plan)).toEqual([expect.stringMatching(/"a" has 5 layers, but "base" has 3/)]);
  });
});
