import { describe, expect, it } from 'vitest';
import { tensorLine, tensorReport } from '../../../src/cli/tensor-lines';
import { planMerge } from '../../../src/engine/plan';
import { layeredModels, tinyModels, tinyRecipe } from '../engine/tiny-models';

describe('tensorLine', () => {
  it('shows the parameters that a tensor gets', async () => {
    const recipe = tinyRecipe('ties', { a: 0.1 + 0.2, b: 1 }, { parameters: { lambda: [2, 0] } });
    const plan = await planMerge(recipe, await tinyModels('base', 'a', 'b'));
    expect(plan.tensors.slice(2).map(tensorLine)).toEqual([
      'model.layers.0.input_layernorm.weight [16] F32 = base + a (weight 0.3, density 1) + b (weight 1, density 1); normalize true, rescale false, granularity tensor, lambda 0',
      'model.layers.0.position_ids [1, 5] I64 = base',
      'model.norm.weight [7] BF16 = base + a (weight 0.3, density 1) + b (weight 1, density 1); normalize true, rescale false, granularity tensor, lambda 2',
    ]);
  });

  it('names the layer that a tensor comes from', async () => {
    const slices = [
      { sources: [{ model: 'a', layerRange: [1, 2], parameters: {} }], parameters: {} },
    ] as const;
    const plan = await planMerge(
      { ...tinyRecipe('linear', {}), slices, parameters: { weight: 1 } },
      await layeredModels({ a: 2 }),
    );
    const [, layer] = plan.tensors;
    expect(layer && tensorLine(layer)).toBe(
      'model.layers.0.mlp.up_proj.weight [6, 4] BF16 = a (model.layers.1.mlp.up_proj.weight, weight 1); normalize true',
    );
    expect(layer && tensorReport(layer)).toMatchObject({
      sources: [{ model: 'a', tensor: 'model.layers.1.mlp.up_proj.weight' }],
      parameters: { normalize: true },
      modelParameters: { weight: [1] },
    });
  });
});
