import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRecipeInputs } from '../../../src/cli/recipe-inputs';
import { readConfig } from '../../../src/engine/compare-configs';
import { neededModels } from '../../../src/engine/recipe-models';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { formatModelReference } from '../../../src/recipe/model-reference';
import { parseRecipes } from '../../../src/recipe/parse-recipe';
import type { Recipe } from '../../../src/recipe/recipe';

const one = (name: string, shape: readonly number[], value: number): Uint8Array => {
  const count = shape.reduce((product, axis) => product * axis, 1);
  const bytes = new Uint8Array(Float32Array.from({ length: count }, () => value).buffer);
  return encodeSafetensors([{ name, dtype: 'F32', shape, bytes }]);
};

const merging = (...models: readonly string[]): Recipe => ({
  mergeMethod: 'linear',
  models: models.map((model) => ({ model, parameters: { weight: 1 } })),
  parameters: {},
});

describe('openRecipeInputs', () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mergelab-inputs-'));
    for (const folder of ['model', 'adapter']) await mkdir(join(root, folder));
    const weight = 'model.layers.0.mlp.up_proj.weight';
    await writeFile(join(root, 'model', 'model.safetensors'), one(weight, [2, 2], 1));
    await writeFile(join(root, 'model', 'config.json'), '{"architectures":["A"]}');
    await mkdir(join(root, 'gguf'));
    for (const name of ['tiny.gguf', 'gguf/any.gguf']) {
      await copyFile('test/fixtures/gguf/llama.gguf', join(root, name));
    }
    await writeFile(join(root, 'alone.safetensors'), one(weight, [2, 2], 3));
    const config = '{"peft_type":"LORA","r":1,"lora_alpha":1}';
    await writeFile(join(root, 'adapter', 'adapter_config.json'), config);
    const part = (name: string, shape: readonly number[]) => ({
      name: `base_model.model.model.layers.0.mlp.up_proj.${name}.weight`,
      dtype: 'F32' as const,
      shape,
      bytes: new Uint8Array(Float32Array.of(2, 2).buffer),
    });
    const adapter = encodeSafetensors([part('lora_A', [1, 2]), part('lora_B', [2, 1])]);
    await writeFile(join(root, 'adapter', 'adapter_model.safetensors'), adapter);
  });
  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  it('opens folders, single files and adapters under their references', async () => {
    const overridden = formatModelReference({
      model: { path: 'model' },
      overrideArchitecture: 'B',
    });
    const ids = ['model', 'alone.safetensors', 'model+adapter', overridden];
    const { inputs, close } = await openRecipeInputs([merging(...ids)], root);
    expect([...inputs.keys()]).toEqual(ids);
    const firstOf = async (id: string): Promise<number | undefined> => {
      const bytes = await inputs.get(id)?.checkpoint.read('model.layers.0.mlp.up_proj.weight');
      return new Float32Array(bytes?.slice().buffer ?? new ArrayBuffer(0))[0];
    };
    expect(await Promise.all(ids.map(firstOf))).toEqual([1, 3, 1 + 2 * 2, 1]);
    const configs = await Promise.all([...inputs.values()].map(async (input) => readConfig(input)));
    expect(configs.map((config) => config?.['architectures'])).toEqual([
      ['A'],
      undefined,
      ['A'],
      ['B'],
    ]);
    await close();
  });

  it('opens a GGUF file, and a folder whose only weights are one', async () => {
    const { inputs, close } = await openRecipeInputs([merging('tiny.gguf', 'gguf')], root);
    for (const input of inputs.values()) {
      expect((await readConfig(input))?.['model_type']).toBe('llama');
      expect(input.checkpoint.tensors.get('model.norm.weight')?.shape).toEqual([64]);
    }
    await close();
  });

  it.each([
    ['nowhere', 'there is no folder or file'],
    ['nowhere.safetensors', 'there is no folder or file'],
    ['model@main', 'revision'],
    ['model+nowhere', 'there is no folder or file'],
  ])('says what is wrong with %s', async (id, words) => {
    await expect(openRecipeInputs([merging('model', id)], root)).rejects.toMatchObject({
      code: 'recipe/missing-model',
      message: expect.stringContaining(words) as string,
    });
  });

  it.each([
    ['adapter', 'write MODEL+ADAPTER'],
    ['model+model', 'has no adapter_config.json'],
  ])('tells models from adapters: %s', async (id, words) => {
    await expect(openRecipeInputs([merging(id)], root)).rejects.toMatchObject({
      message: expect.stringContaining(words) as string,
    });
  });
});

describe('neededModels', () => {
  it('follows stages and leaves out what nothing needs', () => {
    const stage = (name: string, models: string): string =>
      `name: ${name}\nmerge_method: linear\nparameters: {weight: 1}\nmodels: ${models}\n---\n`;
    const text = [
      stage('first', '[{model: a}, {model: b+tuned}]'),
      stage('unused', '[{model: nowhere}]'),
      stage('second', '[{model: first}, {model: c}]'),
      'merge_method: ties\nbase_model: base\nparameters: {weight: 1}\n',
      'models: [{model: second+more}, {model: a}]\ntokenizer: {source: donor}\n',
    ].join('');
    const recipes = parseRecipes(text).map(({ recipe }) => recipe);
    expect(neededModels(recipes)).toEqual({
      models: ['base', 'a', 'b+tuned', 'c', 'donor'],
      unusedStages: ['unused'],
    });
  });
});
