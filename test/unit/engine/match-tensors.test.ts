import { describe, expect, it } from 'vitest';
import { MergedCheckpoint } from '../../../src/engine/merged-checkpoint';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import type { Recipe } from '../../../src/recipe/recipe';
import {
  CountingBackend,
  tinyModel,
  tinyRecipe,
  tinyTensors,
  type TinyTensor,
} from './tiny-models';

type Tensors = Readonly<Record<string, TinyTensor>>;

async function planOf(
  recipe: Recipe,
  odd: Parameters<typeof tinyModel>[1],
  base: Parameters<typeof tinyModel>[1] = {},
): Promise<MergePlan> {
  const models = [
    await tinyModel('base', base),
    await tinyModel('a', base),
    await tinyModel('odd', odd),
  ];
  return planMerge(recipe, new Map(models.map((model) => [model.id, model])));
}

const embedding = 'model.embed_tokens.weight';
const upProjection = 'model.layers.0.mlp.up_proj.weight';
const withShape = (name: string, shape: readonly number[]): { tensors: Tensors } => ({
  tensors: { ...tinyTensors, [name]: { dtype: 'BF16', shape } },
});

const vectors = tinyRecipe('task_arithmetic', { a: 1, odd: 0.5 });
const soup = tinyRecipe('linear', { a: 1, odd: 1 });

function mergedOf(
  plan: MergePlan,
  name: string,
): Extract<MergePlan['tensors'][number], { kind: 'merge' }> {
  const tensor = plan.tensors.find((one) => one.name === name);
  if (tensor?.kind !== 'merge') throw new Error(`${name} is not merged`);
  return tensor;
}

describe('tensors whose shapes differ', () => {
  it('skip the model in task vectors, weight and all, and say so once', async () => {
    const tensors = {
      ...tinyTensors,
      [upProjection]: { dtype: 'F16', shape: [3, 3] },
      'model.norm.weight': { dtype: 'BF16', shape: [9] },
    } as const;
    const plan = await planOf(vectors, { tensors });
    const tensor = mergedOf(plan, upProjection);
    expect(tensor.sources.map(({ model }) => model.id)).toEqual(['base', 'a']);
    expect(tensor.numbers.perModel['weight']).toEqual([1]);
    const skipped = plan.findings.filter(({ sentence }) => sentence.includes('no part'));
    expect(skipped).toHaveLength(1);
    expect(skipped[0]).toMatchObject({ severity: 'warning', tensor: upProjection });
    expect(skipped[0]?.sentence).toContain('1 more');
  });

  it('are an error when nothing of a model fits', async () => {
    const shapes = Object.entries(tinyTensors).map(([name, { dtype }]): [string, TinyTensor] => [
      name,
      { dtype, shape: name === embedding ? [37, 16] : [2, 2] },
    ]);
    const tensors = Object.fromEntries(shapes.filter(([name]) => name !== embedding));
    const base = Object.fromEntries(
      Object.entries(tinyTensors).filter(([name]) => name !== embedding),
    );
    const plan = await planOf(vectors, { tensors }, { tensors: base });
    expect(plan.findings[0]).toMatchObject({ severity: 'error', models: ['odd'] });
  });

  it('are an error in a soup', async () => {
    const plan = await planOf(soup, withShape(upProjection, [3, 3]));
    const errors = plan.findings.filter(({ severity }) => severity === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.sentence).toContain('[3, 3] in "odd" but [450, 151] in "a"');
  });

  it('crop a larger vocabulary to the base’s', async () => {
    const plan = await planOf(vectors, withShape(embedding, [40, 16]));
    expect(mergedOf(plan, embedding).shape).toEqual([37, 16]);
    expect(plan.configChanges).toEqual({});
    expect(plan.findings.some(({ sentence }) => sentence.includes('cropped to [37, 16]'))).toBe(
      true,
    );
  });

  it('are an error when task vectors meet a smaller vocabulary', async () => {
    const plan = await planOf(vectors, withShape(embedding, [30, 16]));
    const errors = plan.findings.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/vocabulary of "odd" has 30.*"base" 37/),
    ]);
  });

  it.each([
    ['fewer rows', [30, 16]],
    ['fewer rows and columns', [30, 12]],
  ])('crop the embeddings of a soup to what all have: %s', async (_case, shape) => {
    const plan = await planOf(soup, withShape(embedding, shape), { config: { vocab_size: 37 } });
    expect(mergedOf(plan, embedding).shape).toEqual(shape);
    expect(plan.configChanges).toEqual({ vocabularySize: 30 });
    const weights = await mergeToMemory(plan, new CountingBackend(), 'm');
    const merged = await new MergedCheckpoint(weights).read(embedding);
    expect(merged.byteLength).toBe(2 * shape.reduce((a, b) => a * b));

    // The same as merging models that are small from the start.
    const [rows = 0, columns = 0] = shape;
    const found = new Uint16Array(merged.slice().buffer);
    const large = mergedOf(plan, embedding).sources[0];
    const small = mergedOf(plan, embedding).sources[1];
    const [a, b] = await Promise.all(
      [large, small].map(async (source) => {
        const bytes = await source?.model.checkpoint.read(embedding);
        const stored = source?.storedShape?.[1] ?? columns;
        const halves = new Uint16Array(bytes?.slice().buffer ?? new ArrayBuffer(0));
        return { stored, halves };
      }),
    );
    const widen = (bits: number): number =>
      new Float32Array(new Uint32Array([bits << 16]).buffer)[0] ?? 0;
    for (const [row, column] of [
      [0, 0],
      [1, columns - 1],
      [rows - 1, columns - 1],
    ] as const) {
      const mean =
        (widen(a?.halves[row * a.stored + column] ?? 0) +
          widen(b?.halves[row * b.stored + column] ?? 0)) /
        2;
      // One rounding to bfloat16, which has 8 bits.
      expect(Math.abs(widen(found[row * columns + column] ?? 0) - mean)).toBeLessThanOrEqual(
        Math.abs(mean) / 256,
      );
    }
  });
});

describe('tensors that not all models have', () => {
  const extra = {
    tensors: { ...tinyTensors, 'extra.weight': { dtype: 'BF16', shape: [4] } },
  } as const;

  it('are merged from those that have them in architectures without a table', async () => {
    const other = { model_type: 'newcomer' };
    const plan = await planOf(soup, { ...extra, config: other }, { config: other });
    expect(mergedOf(plan, 'extra.weight').sources.map(({ model }) => model.id)).toEqual(['odd']);
    expect(plan.findings.some(({ sentence }) => sentence.includes('no part'))).toBe(true);
  });

  it('are an error for task vectors that lack their base', async () => {
    const other = { model_type: 'newcomer' };
    const plan = await planOf(vectors, { ...extra, config: other }, { config: other });
    const errors = plan.findings.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ tensor }) => tensor)).toEqual(['extra.weight']);
  });

  it('are buffers that nobody needs in GPT-NeoX and old Llamas', async () => {
    const buffers: Tensors = {
      ...tinyTensors,
      'gpt_neox.layers.0.attention.bias': { dtype: 'F32', shape: [1, 1, 4, 4] },
      'gpt_neox.layers.0.attention.masked_bias': { dtype: 'F32', shape: [] },
      'gpt_neox.layers.0.attention.rotary_emb.inv_freq': { dtype: 'F32', shape: [4] },
    };
    const neox = { model_type: 'gpt_neox' };
    const plan = await planOf(soup, { tensors: buffers, config: neox }, { config: neox });
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(plan.tensors).toHaveLength(5);
  });
});

describe('output heads', () => {
  const head = { ...tinyTensors, 'lm_head.weight': { dtype: 'BF16', shape: [37, 16] } } as const;

  it('are not written when a config says that they are the embedding', async () => {
    const plan = await planOf(soup, { tensors: head });
    expect(plan.tensors.map(({ name }) => name)).not.toContain('lm_head.weight');
    expect(plan.configChanges).toEqual({});
  });

  it('stay tied by default where the family does so', async () => {
    const gemma = { model_type: 'gemma', tie_word_embeddings: undefined };
    const plan = await planOf(soup, { tensors: head, config: gemma }, { config: gemma });
    expect(plan.tensors.map(({ name }) => name)).not.toContain('lm_head.weight');
  });

  it('are merged as soon as one model has its own', async () => {
    const untied = { tie_word_embeddings: false };
    const plan = await planOf(vectors, { tensors: head, config: untied });
    expect(mergedOf(plan, 'lm_head.weight').sources.map(({ name }) => name)).toEqual([
      embedding,
      embedding,
      'lm_head.weight',
    ]);
    expect(plan.configChanges).toEqual({ tiesEmbeddings: false });
  });
});

describe('a model with another architecture than its config says', () => {
  it('is compared by the one that the recipe gives it', async () => {
    const other = { model_type: 'mistral' };
    const id = JSON.stringify({
      model: { path: 'odd' },
      override_architecture: 'LlamaForCausalLM',
    });
    const models = [
      await tinyModel('base'),
      { ...(await tinyModel('odd', { config: other })), id },
    ];
    const plan = await planMerge(
      tinyRecipe('task_arithmetic', { [id]: 1 }),
      new Map(models.map((model) => [model.id, model])),
    );
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(plan.donorConfig).toMatchObject({ model_type: 'llama' });
    const plain = await planOf(vectors, { config: other });
    expect(plain.findings.some(({ sentence }) => sentence.includes('model_type'))).toBe(true);
  });
});

describe('models without a config', () => {
  it('are matched by their tensors', async () => {
    const models = await Promise.all(
      ['base', 'a'].map(async (id) => {
        const model = await tinyModel(id);
        const files = new Map([...model.files.files].filter(([path]) => path !== 'config.json'));
        return { ...model, files: { ...model.files, files } };
      }),
    );
    const plan = await planMerge(
      tinyRecipe('ties', { a: 1 }, { parameters: { density: 0.5 } }),
      new Map(models.map((model) => [model.id, model])),
    );
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(plan.donorConfig).toBeUndefined();
    expect(plan.tensors).toHaveLength(5);
  });
});
