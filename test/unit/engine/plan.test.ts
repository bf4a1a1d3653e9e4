import { describe, expect, it } from 'vitest';
import { throwFirstError } from '../../../src/engine/finding';
import type { ModelInput } from '../../../src/engine/model-input';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import { tinyModel, tinyModels, tinyRecipe, tinyTensors } from './tiny-models';

/** Plans a merge of `base` and one odd specialist. */
async function planWith(odd: Parameters<typeof tinyModel>[1]): Promise<MergePlan> {
  const models: ModelInput[] = [await tinyModel('base'), await tinyModel('odd', odd)];
  const inputs = new Map(models.map((model) => [model.id, model]));
  return planMerge(tinyRecipe('task_arithmetic', { odd: 1 }), inputs);
}

const without = (name: string): typeof tinyTensors =>
  Object.fromEntries(Object.entries(tinyTensors).filter(([key]) => key !== name));

describe('planMerge', () => {
  it('plans every tensor in the donor’s order and says what it costs', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const plan = await planMerge(tinyRecipe('ties', { a: 1, b: 1 }, { dtype: 'float32' }), inputs);
    expect(plan.tensors.map(({ name, kind, dtype }) => [name, kind, dtype])).toEqual([
      ['model.embed_tokens.weight', 'merge', 'F32'],
      ['model.layers.0.mlp.up_proj.weight', 'merge', 'F32'],
      ['model.layers.0.input_layernorm.weight', 'merge', 'F32'],
      ['model.layers.0.position_ids', 'copy', 'I64'],
      ['model.norm.weight', 'merge', 'F32'],
    ]);
    const elementCount = 37 * 16 + 450 * 151 + 16 + 7;
    const inputBytes = 3 * (2 * 37 * 16 + 2 * 450 * 151 + 4 * 16 + 2 * 7);
    expect(plan.cost).toMatchObject({
      tensorCount: 5,
      elementCount,
      bytesRead: inputBytes + 40,
      bytesWritten: 4 * elementCount + 40,
      passCount: 4,
    });
    expect(plan.cost.peakMemoryBytes).toBeLessThan(4 << 20);
    // A tensor that is no weight, and a density that drops nothing.
    expect(plan.findings.map((finding) => finding.severity)).toEqual(['warning', 'note']);
    throwFirstError(plan.findings);
  });

  it('reads no weight', async () => {
    const inputs = await tinyModels('base', 'a');
    const blind = new Map(
      [...inputs].map(([id, input]) => [
        id,
        {
          ...input,
          checkpoint: {
            label: id,
            tensors: input.checkpoint.tensors,
            read: () => Promise.reject(new Error('a weight was read')),
          },
        },
      ]),
    );
    const plan = await planMerge(
      tinyRecipe('ties', { a: 1 }, { mergelab: { granularity: 'model' } }),
      blind,
    );
    expect(plan.cost.tensorCount).toBe(5);
  });

  it.each<[string, Parameters<typeof tinyModel>[1], string[]]>([
    [
      'a tensor that a specialist lacks',
      { tensors: without('model.norm.weight') },
      ['"model.norm.weight"', '"base"', 'not in "odd"'],
    ],
    [
      'a tensor that only a specialist has',
      { tensors: { ...tinyTensors, 'extra.weight': { dtype: 'BF16', shape: [1] } } },
      ['"extra.weight"', 'not in "base"'],
    ],
    [
      'a smaller vocabulary',
      {
        tensors: {
          ...tinyTensors,
          'model.embed_tokens.weight': { dtype: 'BF16', shape: [36, 16] },
        },
      },
      ['vocabulary of "odd" has 36', '"base" 37'],
    ],
    ['another number of heads', { config: { num_attention_heads: 8 } }, ['num_attention_heads']],
    ['another architecture', { config: { model_type: 'qwen2' } }, ['model_type']],
  ])('finds %s', async (_case, odd, words) => {
    const plan = await planWith(odd);
    const errors = plan.findings.filter((finding) => finding.severity === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.code).toBe('recipe/shape-mismatch');
    for (const word of words) expect(errors[0]?.sentence).toContain(word);
    expect(() => {
      throwFirstError(plan.findings);
    }).toThrow(expect.objectContaining({ code: 'recipe/shape-mismatch' }) as Error);
  });

  it('finds floats that no kernel takes, and everything that is wrong at once', async () => {
    const plan = await planWith({
      tensors: {
        ...without('model.layers.0.mlp.up_proj.weight'),
        'model.norm.weight': { dtype: 'F64', shape: [7] },
      },
    });
    const codes = plan.findings.filter((f) => f.severity === 'error').map((f) => f.code);
    expect(codes).toEqual(['recipe/shape-mismatch', 'format/bad-dtype']);
  });

  it('merges a stored head with the embedding of a model that ties it', async () => {
    const plan = await planWith({
      tensors: { ...tinyTensors, 'lm_head.weight': { dtype: 'BF16', shape: [37, 16] } },
      config: { tie_word_embeddings: false },
    });
    throwFirstError(plan.findings);
    expect(plan.configChanges).toEqual({ tiesEmbeddings: false });
    const head = plan.tensors.find((tensor) => tensor.name === 'lm_head.weight');
    expect(head?.kind === 'merge' && head.sources.map((source) => source.name)).toEqual([
      'model.embed_tokens.weight',
      'lm_head.weight',
    ]);
  });

  it('warns of another tokenizer and of other details of the config', async () => {
    const plan = await planWith({
      config: { rms_norm_eps: 1e-5, rope_parameters: { b: 1, a: 2 } },
      files: [['tokenizer.json', '{"another":true}']],
    });
    expect(plan.findings.filter((f) => f.severity === 'error')).toEqual([]);
    expect(plan.findings.some((f) => f.sentence.includes('tokenizer of "odd"'))).toBe(true);
  });

  it('names the models there are when the recipe names another', async () => {
    const inputs = await tinyModels('base', 'a');
    await expect(planMerge(tinyRecipe('linear', { law: 1 }), inputs)).rejects.toMatchObject({
      code: 'recipe/missing-model',
      message: expect.stringMatching(/"law".*base, a/) as string,
    });
  });
});
