import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MergedCheckpoint } from '../../../src/engine/merged-checkpoint';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInput } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import type { CheckpointReader } from '../../../src/formats/checkpoint-reader';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openModel } from '../../../src/sources/open-model';
import { tinyRecipe } from './tiny-models';

async function opened(
  id: string,
  contents: Readonly<Record<string, string | Uint8Array>>,
): Promise<ModelInput> {
  return { id, ...(await openModel(memoryFiles(id, new Map(Object.entries(contents))))) };
}

/** The same model in Hugging Face layout. */
async function inSafetensors({ checkpoint, files }: ModelInput): Promise<ModelInput> {
  const tensors = await Promise.all(
    [...checkpoint.tensors.values()].map(async (info) => ({
      ...info,
      bytes: await checkpoint.read(info.name),
    })),
  );
  const config = files.files.get('config.json');
  const text = (await config?.read(0, config.sizeBytes)) ?? '';
  return opened('whole', { 'model.safetensors': encodeSafetensors(tensors), 'config.json': text });
}

/** Sums make +0 of -0. */
async function allValues(checkpoint: CheckpointReader): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const name of checkpoint.tensors.keys()) {
    const { buffer } = (await checkpoint.read(name)).slice();
    values.set(
      name,
      new Float32Array(buffer).map((value) => value + 0),
    );
  }
  return values;
}

describe('a GGUF model in a merge', () => {
  it.each(['llama', 'gemma2'])('with itself in safetensors gives itself: %s', async (name) => {
    const url = new URL(`../../fixtures/gguf/${name}.gguf`, import.meta.url);
    const small = await opened('small', { 'm.gguf': new Uint8Array(readFileSync(url)) });
    const whole = await inSafetensors(small);
    const inputs = new Map([small, whole].map((input) => [input.id, input]));
    const recipe = { ...tinyRecipe('linear', { small: 0.5, whole: 0.5 }), baseModel: 'whole' };
    const plan = await planMerge(recipe, inputs);
    expect(plan.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
    const notes = plan.findings.map(({ sentence }) => sentence).join(' ');
    expect(notes).toContain('"small" is quantised');
    expect(notes).not.toContain('is stored in');
    const merged = new MergedCheckpoint(await mergeToMemory(plan, new OracleBackend(), 'm'));
    expect(await allValues(merged)).toEqual(await allValues(small.checkpoint));
  });
});
