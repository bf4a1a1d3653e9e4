import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../src/engine/model-input';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import type { Recipe } from '../../../src/recipe/recipe';
import { LabStore } from '../../../src/store/lab-store';
import { CollectionInputs } from '../../../src/workers/collection-inputs';
import { openCollection } from '../../../src/workers/open-collection';

const floats = (...values: number[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new Float32Array(values).buffer);

const weightsOf = (...values: number[]): Uint8Array<ArrayBuffer> =>
  encodeSafetensors([
    { name: 'model.w.weight', dtype: 'F32', shape: [2, 2], bytes: floats(...values) },
  ]);
const weights = weightsOf(0, 0, 0, 0);

/** Files of a folder, as the browser hands them over. */
function folder(
  name: string,
  contents: Readonly<Record<string, BlobPart>> = {
    'config.json': '{}',
    'model.safetensors': weights,
  },
): { name: string; files: globalThis.File[] } {
  const files = Object.entries(contents).map(([path, content]) => {
    const file = new File([content], path);
    Object.defineProperty(file, 'webkitRelativePath', { value: `${name}/${path}` });
    return file;
  });
  return { name, files };
}

/** Adds 2 · [1 2]ᵀ [3 4] to `model.w.weight`. */
function adapter(name: string, trainedOn: string): ReturnType<typeof folder> {
  const factor = (letter: 'A' | 'B', shape: number[], ...values: number[]) => ({
    name: `base_model.model.model.w.lora_${letter}.weight`,
    ...{ dtype: 'F32' as const, shape, bytes: floats(...values) },
  });
  return folder(name, {
    'adapter_config.json': JSON.stringify({
      ...{ peft_type: 'LORA', r: 1, lora_alpha: 2, base_model_name_or_path: trainedOn },
    }),
    'adapter_model.safetensors': encodeSafetensors([
      factor('A', [1, 2], 3, 4),
      factor('B', [2, 1], 1, 2),
    ]),
  });
}

async function open(baseName: string, ...folders: ReturnType<typeof folder>[]) {
  const models = folders.map(({ name, files }) => ({
    id: name,
    place: { kind: 'folder' as const, name, files },
  }));
  const source = { kind: 'placed' as const, models, baseId: baseName, zooUrl: '', hub: {} };
  return openCollection(source, new LabStore());
}

async function valuesOf(model: ModelInput | undefined): Promise<number[]> {
  const bytes = await model?.checkpoint.read('model.w.weight');
  return [...new Float32Array(bytes?.slice().buffer ?? new ArrayBuffer(0))];
}

describe('picked folders', () => {
  it('may be weights without a config', async () => {
    const lone = new File([weights], 'math.safetensors');
    Object.defineProperty(lone, 'webkitRelativePath', { value: '' });
    const { specialists } = await open('base', folder('base'), { name: 'math', files: [lone] });
    expect(specialists).toMatchObject([{ id: 'math', title: 'math', parameterCount: 4 }]);
    expect(specialists[0]?.files.files.has('config.json')).toBe(false);
  });

  it('name the base that is missing, and what is there', async () => {
    const opening = open('base', folder('math'), adapter('base', 'math'));
    await expect(opening).rejects.toMatchObject({ code: 'recipe/missing-model' });
    await expect(opening).rejects.toThrow('"base" to use as the base; choose one of math.');
  });
});

describe('picked adapters', () => {
  it('become specialists: added to the model they name, else to the base with a note', async () => {
    const ones = { 'config.json': '{}', 'model.safetensors': weightsOf(1, 1, 1, 1) };
    const { base, specialists, adapters, notes } = await open(
      'Base',
      adapter('lora', 'someone/base'),
      folder('Base'),
      folder('math', ones),
      adapter('math-lora', '/tmp/runs/math/'),
      adapter('other', 'someone/unknown'),
    );
    expect(base.id).toBe('Base');
    expect(specialists.map(({ id, title }) => [id, title])).toEqual([
      ['math', 'math'],
      ['Base+lora', 'lora'],
      ['math+math-lora', 'math-lora'],
      ['Base+other', 'other'],
    ]);
    expect(await valuesOf(specialists[1])).toEqual([6, 8, 12, 16]);
    expect(await valuesOf(specialists[2])).toEqual([7, 9, 13, 17]);
    expect([...adapters.keys()]).toEqual(['lora', 'math-lora', 'other']);
    expect(notes).toEqual([
      'The adapter "other" says that it was trained on "someone/unknown"; it is added to "Base", which must be the same model.',
    ]);
  });

  it('can be added to any open model in a recipe', async () => {
    const inputs = new CollectionInputs(
      await open('base', folder('base'), folder('math'), adapter('lora', 'base')),
    );
    const recipe = (model: string): Recipe => ({
      ...{ mergeMethod: 'linear', models: [{ model, parameters: {} }], parameters: {} },
    });
    const found = await inputs.of([recipe('math+lora')]);
    expect([...found.keys()]).toEqual(['base', 'math', 'base+lora', 'math+lora']);
    expect(await valuesOf(found.get('math+lora'))).toEqual([6, 8, 12, 16]);
    expect(await inputs.of([recipe('math+lora')])).toBe(found);
    await expect(inputs.of([recipe('math+lore')])).rejects.toThrow(
      'names the adapter "lore", which is not open; lora is.',
    );
    expect((await inputs.of([recipe('nobody')])).has('nobody')).toBe(false);
  });
});
