import { describe, expect, it } from 'vitest';
import { planMerge, type MergedTensor, type MergePlan } from '../../../src/engine/plan';
import type { Recipe } from '../../../src/recipe/recipe';
import { layeredModels, tinyModels, tinyRecipe } from './tiny-models';

async function planOf(recipe: Recipe): Promise<MergePlan> {
  return planMerge(recipe, await tinyModels('base', 'a', 'b'));
}

function mergedOf(plan: MergePlan, name: string): MergedTensor {
  const tensor = plan.tensors.find((one) => one.name === name);
  if (tensor?.kind !== 'merge') throw new Error(`${name} is not merged`);
  return tensor;
}

async function failureOf(recipe: Recipe): Promise<unknown> {
  return planOf(recipe).then(
    () => 'no error',
    (error: unknown) => error,
  );
}

const norm = 'model.norm.weight';
const ties = tinyRecipe('ties', { a: 1, b: 1 });

describe('the parameters of a tensor', () => {
  it('are a model’s own, then the recipe’s, then the default', async () => {
    const plan = await planOf({
      mergeMethod: 'ties',
      baseModel: 'base',
      models: [
        { model: 'a', parameters: { weight: 0.5, density: 0.2 } },
        { model: 'b', parameters: {} },
      ],
      parameters: { weight: 2 },
    });
    const { numbers } = mergedOf(plan, norm);
    expect(numbers).toEqual({
      scalars: { lambda: 1 },
      perModel: { weight: [0.5, 2], density: [0.2, 1] },
    });
  });

  it('are gradients over the layers of a slice, and their first value outside', async () => {
    const inputs = await layeredModels({ base: 3, a: 3, b: 3 });
    const weights = async (value: Recipe['parameters'][string]): Promise<unknown> => {
      const plan = await planMerge(
        { ...ties, models: ties.models, parameters: { lambda: value } },
        inputs,
      );
      return Object.fromEntries(
        plan.tensors.flatMap((tensor) =>
          tensor.kind === 'merge' ? [[tensor.name, tensor.numbers.scalars['lambda']]] : [],
        ),
      );
    };
    expect(await weights([0, 1])).toEqual({
      'model.embed_tokens.weight': 0,
      'model.layers.0.mlp.up_proj.weight': 0,
      'model.layers.1.mlp.up_proj.weight': 0.5,
      'model.layers.2.mlp.up_proj.weight': 1,
      'model.norm.weight': 0,
    });
    const conditional = [
      { filter: 'up_proj', value: [2, 4] },
      { filter: 'norm', value: 7 },
    ];
    expect(await weights(conditional)).toEqual({
      // No condition holds, so the default does.
      'model.embed_tokens.weight': 1,
      'model.layers.0.mlp.up_proj.weight': 2,
      'model.layers.1.mlp.up_proj.weight': 3,
      'model.layers.2.mlp.up_proj.weight': 4,
      'model.norm.weight': 7,
    });
  });

  it('match a model’s conditions with its own layer numbers, the method’s with the output’s', async () => {
    const inputs = await layeredModels({ base: 4, a: 4 });
    const plan = await planMerge(
      {
        mergeMethod: 'task_arithmetic',
        baseModel: 'base',
        models: [],
        slices: [
          {
            sources: [
              { model: 'base', layerRange: [2, 4], parameters: {} },
              {
                model: 'a',
                layerRange: [2, 4],
                parameters: { weight: [{ filter: 'layers.3.', value: 5 }, { value: 1 }] },
              },
            ],
            parameters: { lambda: [{ filter: 'layers.0.', value: 9 }] },
          },
        ],
        parameters: {},
      },
      inputs,
    );
    const first = mergedOf(plan, 'model.layers.0.mlp.up_proj.weight');
    const second = mergedOf(plan, 'model.layers.1.mlp.up_proj.weight');
    expect(first.sources.map(({ name }) => name)).toEqual([
      'model.layers.2.mlp.up_proj.weight',
      'model.layers.2.mlp.up_proj.weight',
    ]);
    expect([first, second].map(({ numbers }) => numbers.perModel['weight'])).toEqual([[1], [5]]);
    expect([first, second].map(({ numbers }) => numbers.scalars['lambda'])).toEqual([9, 1]);
  });

  it('are switches as booleans or numbers, by condition too', async () => {
    const normalized = async (normalize: Recipe['parameters'][string]): Promise<unknown> => {
      const plan = await planOf({ ...ties, parameters: { normalize } });
      return plan.tensors.flatMap((tensor) =>
        tensor.kind === 'merge' ? [tensor.options['normalize']] : [],
      );
    };
    expect(await normalized(1)).toEqual([true, true, true, true]);
    expect(await normalized(false)).toEqual([false, false, false, false]);
    expect(await normalized([{ filter: 'mlp', value: 0 }])).toEqual([true, false, true, true]);
  });

  it('take the granularity from the lab’s key', async () => {
    const scopes = async (recipe: Recipe): Promise<string[]> =>
      mergedOf(await planOf(recipe), norm).definition.passes.map(({ scope }) => scope);
    expect(await scopes(ties)).toEqual(['tensor']);
    expect(await scopes({ ...ties, mergelab: { granularity: 'model' } })).toEqual(['model']);
  });

  it('give equal options the very same definition, by which passes are remembered', async () => {
    const define = async (weight: number, normalize: boolean): Promise<unknown> => {
      const recipe = tinyRecipe('ties', { a: weight }, { parameters: { normalize } });
      return mergedOf(await planOf(recipe), norm).definition;
    };
    expect(await define(1, true)).toBe(await define(2, true));
    expect(await define(1, true)).not.toBe(await define(1, false));
  });

  it.each<[string, string, string[], Recipe]>([
    ['NaN', 'recipe/bad-value', ['weight', '"a"'], tinyRecipe('ties', { a: NaN })],
    ['infinity', 'recipe/bad-value', ['weight'], tinyRecipe('linear', { a: Infinity })],
    [
      'no weight',
      'recipe/missing-parameter',
      ['"weight"', '"a"', 'embed_tokens'],
      { ...ties, models: [{ model: 'a', parameters: {} }] },
    ],
    [
      'a weight for some tensors only',
      'recipe/missing-parameter',
      ['"weight"', 'model.norm.weight'],
      {
        ...ties,
        models: [
          {
            model: 'a',
            parameters: {
              weight: [
                { filter: 'layers', value: 1 },
                { filter: 'embed', value: 1 },
              ],
            },
          },
        ],
      },
    ],
    [
      'no weight for the base of a soup',
      'recipe/missing-parameter',
      ['"weight"', '"base"'],
      { ...tinyRecipe('linear', { a: 1 }), baseModel: 'base' },
    ],
    [
      'text as weight',
      'recipe/bad-value',
      ['x'],
      { ...ties, models: [{ model: 'a', parameters: { weight: 'x' } }] },
    ],
    [
      'half a switch',
      'recipe/bad-value',
      ['normalize'],
      { ...ties, parameters: { normalize: 0.5 } },
    ],
  ])('may not be %s', async (_case, code, words, recipe) => {
    const error = await failureOf(recipe);
    expect(error).toMatchObject({ code });
    for (const word of words) expect(String(error)).toContain(word);
  });
});
