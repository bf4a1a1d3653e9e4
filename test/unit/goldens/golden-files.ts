import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelInput } from '../../../src/engine/model-input';
import { openNodeFolder } from '../../../src/sources/node-folder';
import { openCheckpoint, openWeights } from '../../../src/sources/open-checkpoint';
import type { Golden, GoldenTensor } from './golden-merges';
import { modelNames, tensorsByRecipe } from './golden-merges';

export function readGoldens(folder: URL): Golden[] {
  return JSON.parse(readFileSync(new URL('recipes.json', folder), 'utf8')) as Golden[];
}

export async function readOutputs(folder: URL): Promise<Map<string, Map<string, GoldenTensor>>> {
  const files = await openNodeFolder(fileURLToPath(folder), 'goldens');
  const file = files.files.get('outputs.safetensors');
  if (file === undefined) throw new Error(`${folder.href} has no outputs`);
  const recipes = await tensorsByRecipe(await openWeights('goldens', file));
  await files.close();
  return recipes;
}

const opened = new Map<string, Promise<Map<string, ModelInput>>>();

/** The models of one folder of fixtures, opened once. */
export function goldenModels(folder: URL): Promise<Map<string, ModelInput>> {
  const known = opened.get(folder.href) ?? openModels(folder);
  opened.set(folder.href, known);
  return known;
}

async function openModels(folder: URL): Promise<Map<string, ModelInput>> {
  const inputs = new Map<string, ModelInput>();
  for (const id of modelNames) {
    const path = fileURLToPath(new URL(`${id}/`, folder));
    const files = await openNodeFolder(path, id).catch(() => undefined);
    if (files === undefined) continue;
    inputs.set(id, { id, files, checkpoint: await openCheckpoint(files) });
  }
  return inputs;
}
