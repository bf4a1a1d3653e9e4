import { describe, expect, it } from 'vitest';
import {
  architectureOf,
  layerNameOf,
  roleOf,
  standsAfterLayers,
} from '../../../src/engine/architecture';
import { changedConfig } from '../../../src/engine/config-changes';
import { throwFirstError } from '../../../src/engine/finding';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import type { Recipe } from '../../../src/recipe/recipe';
import { tinyModel, tinyRecipe, type TinyTensor } from './tiny-models';

describe('names of tensors', () => {
  it.each([
    ['model.embed_tokens.weight', [10, 4], 'embedding'],
    ['transformer.wte.weight', [10, 4], 'embedding'],
    ['gpt_neox.embed_in.weight', [10, 4], 'embedding'],
    ['lm_head.weight', [10, 4], 'head'],
    ['embed_out.weight', [10, 4], 'head'],
    ['transformer.wpe.weight', [10, 4], 'other'],
    ['model.layers.0.self_attn.q_proj.weight', [4, 4], 'matrix'],
    ['model.layers.0.self_attn.q_proj.bias', [4], 'other'],
    ['model.layers.0.conv.weight', [4, 4, 3], 'other'],
  ] as const)('give %s %j the role %s', (name, shape, role) => {
    expect(roleOf(name, shape)).toBe(role);
  });

  it('hold the layer’s number first', () => {
    expect(layerNameOf('model.layers.12.mlp.experts.3.w1.weight')).toEqual({
      stack: 'model.layers',
      index: 12,
      rest: 'mlp.experts.3.w1.weight',
    });
    expect(layerNameOf('model.norm.weight')).toBeUndefined();
    expect(layerNameOf('0.weight')).toBeUndefined();
  });

  it('tell what stands after the layers', () => {
    const names = ['model.norm.weight', 'transformer.ln_f.bias', 'lm_head.weight'];
    const more = ['gpt_neox.final_layer_norm.weight', 'embed_out.weight'];
    expect([...names, ...more].every(standsAfterLayers)).toBe(true);
    expect(standsAfterLayers('model.embed_tokens.weight')).toBe(false);
  });

  it('and the config tell whether the head is tied', () => {
    expect(architectureOf({ model_type: 'gemma2' }).tiesHead).toBe(true);
    expect(architectureOf({ model_type: 'llama' }).tiesHead).toBe(false);
    expect(architectureOf({ model_type: 'llama', tie_word_embeddings: true }).tiesHead).toBe(true);
    const nested = { model_type: 'x', text_config: { tie_word_embeddings: true } };
    expect(architectureOf(nested).tiesHead).toBe(true);
    expect(architectureOf(undefined)).toEqual({ modelType: '', isKnown: false, tiesHead: false });
  });
});

function gpt2Tensors(prefix: string): Readonly<Record<string, TinyTensor>> {
  const layers = [0, 1].flatMap((layer): [string, TinyTensor][] => [
    [`${prefix}h.${layer}.attn.bias`, { dtype: 'F32', shape: [1, 1, 4, 4] }],
    [`${prefix}h.${layer}.attn.c_attn.weight`, { dtype: 'F32', shape: [4, 12] }],
    [`${prefix}h.${layer}.attn.c_attn.bias`, { dtype: 'F32', shape: [12] }],
  ]);
  return {
    [`${prefix}wte.weight`]: { dtype: 'F32', shape: [9, 4] },
    [`${prefix}wpe.weight`]: { dtype: 'F32', shape: [6, 4] },
    ...Object.fromEntries(layers),
    [`${prefix}ln_f.weight`]: { dtype: 'F32', shape: [4] },
  };
}

describe('GPT-2', () => {
  async function planOf(recipe: Recipe): Promise<MergePlan> {
    const config = { model_type: 'gpt2', n_layer: 2, tie_word_embeddings: undefined };
    const models = [
      await tinyModel('a', { tensors: gpt2Tensors('transformer.'), config }),
      await tinyModel('b', { tensors: gpt2Tensors(''), config }),
    ];
    const plan = await planMerge(recipe, new Map(models.map((model) => [model.id, model])));
    throwFirstError(plan.findings);
    return plan;
  }

  const sourcesOf = (plan: MergePlan, name: string): unknown => {
    const tensor = plan.tensors.find((one) => one.name === name);
    return tensor?.kind === 'merge' && tensor.sources.map((source) => source.name);
  };

  it('is merged under the first model’s names whether or not a file leaves the prefix out', async () => {
    const plan = await planOf(tinyRecipe('linear', { a: 1, b: 1 }));
    expect(sourcesOf(plan, 'transformer.wte.weight')).toEqual([
      'transformer.wte.weight',
      'wte.weight',
    ]);
    // The causal masks are left out.
    expect(plan.tensors).toHaveLength(7);
  });

  it('can be stacked, and its config counts layers in its own key', async () => {
    const slice = (model: string, from: number): NonNullable<Recipe['slices']>[number] => ({
      sources: [{ model, layerRange: [from, 2], parameters: { weight: 1 } }],
      parameters: {},
    });
    const slices = [slice('a', 0), slice('b', 1)];
    const plan = await planOf({ ...tinyRecipe('linear', {}), slices });
    expect(sourcesOf(plan, 'transformer.h.2.attn.c_attn.bias')).toEqual(['h.1.attn.c_attn.bias']);
    const config = changedConfig({ n_layer: 2, n_head: 1 }, plan.configChanges);
    expect(config).toEqual({ n_layer: 3, n_head: 1 });
  });
});

describe('models with several stacks of layers', () => {
  const stacks = {
    'encoder.block.0.q.weight': { dtype: 'F32', shape: [2, 2] },
    'encoder.block.1.q.weight': { dtype: 'F32', shape: [2, 2] },
    'decoder.block.0.q.weight': { dtype: 'F32', shape: [2, 2] },
    'decoder.block.1.q.weight': { dtype: 'F32', shape: [2, 2] },
    'decoder.block.2.q.weight': { dtype: 'F32', shape: [2, 2] },
  } as const;

  it('run gradients over each of them, and take no slices', async () => {
    const config = { model_type: 't5' };
    const model = await tinyModel('a', { tensors: stacks, config });
    const inputs = new Map([['a', model]]);
    const graded = tinyRecipe('linear', {});
    const plan = await planMerge(
      { ...graded, models: [{ model: 'a', parameters: { weight: [1, 3] } }] },
      inputs,
    );
    const weights = plan.tensors.map(
      (tensor) => tensor.kind === 'merge' && tensor.numbers.perModel['weight']?.[0],
    );
    expect(weights).toEqual([1, 3, 1, 2, 3]);
    const sliced = await planMerge(
      {
        ...graded,
        slices: [{ sources: [{ model: 'a', layerRange: [0, 1], parameters: {} }], parameters: {} }],
      },
      inputs,
    );
    expect(sliced.findings.map(({ severity, sentence }) => [severity, sentence])).toEqual([
      ['error', expect.stringContaining('"encoder.block", "decoder.block"')],
    ]);
  });
});

describe('changedConfig', () => {
  it('changes keys where they stand and adds what is missing', () => {
    const nested = {
      model_type: 'vlm',
      text_config: { num_hidden_layers: 2, vocab_size: 10, layer_types: ['a', 'b'] },
      vision_config: { num_hidden_layers: 7 },
    };
    const changes = { layerCount: 3, layerTypes: ['a', 'b', 'a'], vocabularySize: 9 };
    expect(changedConfig(nested, { ...changes, tiesEmbeddings: false })).toEqual({
      model_type: 'vlm',
      text_config: { num_hidden_layers: 3, vocab_size: 9, layer_types: ['a', 'b', 'a'] },
      vision_config: { num_hidden_layers: 7 },
      tie_word_embeddings: false,
    });
    const config = { model_type: 'llama' };
    expect(changedConfig(config, {})).toBe(config);
  });
});
