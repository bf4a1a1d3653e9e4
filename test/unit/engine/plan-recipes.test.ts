import { describe, expect, it } from 'vitest';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { describeOutput } from '../../../src/engine/output-files';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import { planRecipes, prepareInputs } from '../../../src/engine/plan-recipes';
import { runsOn } from '../../../src/engine/run-merge';
import { parseRecipes } from '../../../src/recipe/parse-recipe';
import type { Recipe } from '../../../src/recipe/recipe';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { CountingBackend, tinyModel, tinyModels } from './tiny-models';

const recipesOf = (text: string): Recipe[] => parseRecipes(text).map(({ recipe }) => recipe);

const averaged = `name: averaged
merge_method: linear
dtype: bfloat16
models:
  - {model: a, parameters: {weight: 0.3}}
  - {model: b, parameters: {weight: 0.9}}
`;
const trimmed = `name: trimmed
merge_method: ties
base_model: base
models:
  - {model: averaged, parameters: {weight: 1, density: 0.5}}
  - {model: b, parameters: {weight: 1, density: 0.4}}
`;
const final = `merge_method: task_arithmetic
base_model: averaged
models:
  - {model: trimmed, parameters: {weight: 0.7}}
  - {model: a, parameters: {weight: 0.2}}
`;

/** The bytes of every tensor, one after another. */
async function bytesOf(plan: MergePlan, backend: CountingBackend): Promise<Buffer> {
  const { buffer } = await mergeToMemory(plan, backend, 'merge');
  return Buffer.from(buffer);
}

/** The merge of one recipe, written and opened again. */
async function written(recipe: Recipe, inputs: ModelInputs): Promise<ModelInputs> {
  const plan = await planMerge(recipe, inputs);
  const contents = new Map<string, Uint8Array>();
  for (const file of describeOutput(plan, new CountingBackend(), { title: 'stage' })) {
    const parts: Uint8Array[] = [];
    for await (const bytes of file.stream()) parts.push(bytes.slice());
    contents.set(file.path, new Uint8Array(Buffer.concat(parts)));
  }
  const id = recipe.name ?? '';
  const files = memoryFiles(id, contents);
  return new Map([...inputs, [id, { id, files, checkpoint: await openCheckpoint(files) }]]);
}

describe('planRecipes', () => {
  it('merges stages into the bytes that writing and reading them would give', async () => {
    const recipes = recipesOf([averaged, trimmed, final].join('---\n'));
    const inputs = await tinyModels('base', 'a', 'b');
    const backend = new CountingBackend();
    const staged = await planRecipes(recipes, inputs, { startRun: runsOn(backend) });
    let onDisk: ModelInputs = inputs;
    for (const recipe of recipes.slice(0, -1)) onDisk = await written(recipe, onDisk);
    const last = recipes.at(-1);
    if (last === undefined) throw new Error('there is a last recipe');
    const wanted = await bytesOf(await planMerge(last, onDisk), new CountingBackend());
    expect(wanted.byteLength).toBeGreaterThan(100_000);
    expect(Buffer.compare(await bytesOf(staged, backend), wanted)).toBe(0);
    expect(backend.loaded.size).toBe(0);
    expect(staged.cost.bytesRead).toBeGreaterThan((await planMerge(last, onDisk)).cost.bytesRead);
  });

  it('does not look at stages that nothing needs, and plans without a back end', async () => {
    const unused = averaged.replace('averaged', 'unused').replace('model: a', 'model: nowhere');
    const recipes = recipesOf([unused, averaged, final.replace('trimmed', 'b')].join('---\n'));
    const plan = await planRecipes(recipes, await tinyModels('base', 'a', 'b'));
    expect(plan.models.map(({ id }) => id)).toEqual(['averaged', 'b', 'a']);
    const [stage] = plan.models;
    await expect(stage?.checkpoint.read('model.norm.weight')).rejects.toThrow('back end');
  });

  it('passes on what speaks against a stage, with its name', async () => {
    const recipes = recipesOf([averaged, final.replace('trimmed', 'b')].join('---\n'));
    const odd = await tinyModel('b', { config: { num_attention_heads: 8 } });
    const inputs = new Map([...(await tinyModels('base', 'a')), ['b', odd]]);
    const { findings } = await planRecipes(recipes, inputs);
    const [first] = findings.filter(({ severity }) => severity === 'error');
    expect(first?.sentence).toMatch(/^In averaged: "num_attention_heads"/);
  });

  it('adds an adapter to a stage', async () => {
    const recipes = recipesOf(
      `${averaged}---\n${final.replace('model: trimmed', 'model: averaged+tuned')}`,
    );
    const [rank, width] = [1, 16];
    const ones = (count: number): Uint8Array =>
      new Uint8Array(Float32Array.from({ length: count }, () => 1).buffer);
    const adapter = memoryFiles(
      'tuned',
      new Map<string, Uint8Array | string>([
        ['adapter_config.json', '{"peft_type":"LORA","r":1,"lora_alpha":1}'],
        [
          'adapter_model.safetensors',
          encodeSafetensors([
            {
              name: 'base_model.model.model.embed_tokens.lora_embedding_A',
              dtype: 'F32',
              shape: [rank, 37],
              bytes: ones(37),
            },
            {
              name: 'base_model.model.model.embed_tokens.lora_embedding_B',
              dtype: 'F32',
              shape: [width, rank],
              bytes: ones(width),
            },
          ]),
        ],
      ]),
    );
    const inputs = await tinyModels('base', 'a', 'b');
    const options = {
      startRun: runsOn(new CountingBackend()),
      openAdapter: async (path: string) => {
        expect(path).toBe('tuned');
        return Promise.resolve(adapter);
      },
    };
    const plan = await planRecipes(recipes, inputs, options);
    const [stage, adapted] = plan.models;
    const name = 'model.embed_tokens.weight';
    const [before, after] = [
      await stage?.checkpoint.read(name),
      await adapted?.checkpoint.read(name),
    ];
    const first = (bytes: Uint8Array | undefined): number =>
      new Float32Array(Uint8Array.of(0, 0, bytes?.[0] ?? 0, bytes?.[1] ?? 0).buffer)[0] ?? NaN;
    // One added to a bf16 number below 1/8: steps near 1 are 2^-7.
    expect(first(after)).toBeCloseTo(first(before) + 1, 2);
    await expect(planRecipes(recipes, inputs)).rejects.toMatchObject({
      code: 'recipe/missing-model',
    });
  });
});

describe('prepareInputs', () => {
  it('carries out tokenizer and chat template, and nothing without them', async () => {
    const tokenizer = '{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}';
    const files = [['tokenizer.json', tokenizer]] as const;
    const models = await Promise.all(['base', 'a'].map(async (id) => tinyModel(id, { files })));
    const inputs = new Map(models.map((model) => [model.id, model]));
    const recipe: Recipe = {
      mergeMethod: 'task_arithmetic',
      baseModel: 'base',
      models: [{ model: 'a', parameters: { weight: 1 } }],
      parameters: {},
    };
    expect((await prepareInputs(recipe, inputs)).inputs).toBe(inputs);
    const both: Recipe = {
      ...recipe,
      tokenizer: { source: 'base', tokens: {}, padToMultipleOf: 3 },
      chatTemplate: 'chatml',
    };
    const plan = await planRecipes([both], inputs);
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    const embedding = plan.tensors.find(({ name }) => name === 'model.embed_tokens.weight');
    expect(embedding?.shape).toEqual([3, 16]);
    expect(plan.donorConfig?.['vocab_size']).toBe(3);
    expect(plan.donor.files.files.has('chat_template.jinja')).toBe(true);
    expect(plan.findings.some(({ sentence }) => sentence.includes('pad_to_multiple_of'))).toBe(
      true,
    );
  });
});
