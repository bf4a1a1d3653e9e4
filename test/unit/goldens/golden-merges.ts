import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FloatDtype } from '../../../src/core/dtype';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInput } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import type { MergeBackend } from '../../../src/expr/backend';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import { openNodeFolder } from '../../../src/sources/node-folder';
import { openCheckpoint, openWeights } from '../../../src/sources/open-checkpoint';

const modelNames = ['base', 'a', 'b', 'c', 'untied'];

/** A tensor as floats, with what is needed to count its units in the last place. */
export interface GoldenTensor {
  readonly dtype: FloatDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
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

/** One recipe with what the peer made of it. */
export interface Golden {
  readonly id: string;
  /** Folder of its models. */
  readonly models: string;
  readonly recipe: string;
  readonly layerCount?: number;
  /** What the peer said when it refused. */
  readonly error?: string;
}

export function readGoldens(folder: URL): Golden[] {
  return JSON.parse(readFileSync(new URL('recipes.json', folder), 'utf8')) as Golden[];
}

/** The tensors that the peer merged, by recipe. */
export async function readOutputs(folder: URL): Promise<Map<string, Map<string, GoldenTensor>>> {
  const files = await openNodeFolder(fileURLToPath(folder), 'goldens');
  const file = files.files.get('outputs.safetensors');
  if (file === undefined) throw new Error(`${folder.href} has no outputs`);
  const checkpoint = await openWeights('goldens', file);
  const recipes = new Map<string, Map<string, GoldenTensor>>();
  for (const [name, { dtype, shape }] of checkpoint.tensors) {
    const [id = '', tensor = ''] = name.split(':');
    const tensors = recipes.get(id) ?? new Map<string, GoldenTensor>();
    recipes.set(id, tensors);
    const bytes = await checkpoint.read(name);
    tensors.set(tensor, { dtype: dtype as FloatDtype, shape, bytes });
  }
  await files.close();
  return recipes;
}

/** Merges as the command line does, into memory. */
export async function mergeGolden(
  text: string,
  folder: URL,
  backend: MergeBackend,
): Promise<Map<string, GoldenTensor>> {
  const plan = await planMerge(parseRecipe(text), await goldenModels(folder));
  const { buffer, tensors } = await mergeToMemory(plan, backend, 'golden');
  return new Map(
    tensors.map(({ name, dtype, shape, offsetBytes, sizeBytes }) => [
      name,
      { dtype: dtype as FloatDtype, shape, bytes: new Uint8Array(buffer, offsetBytes, sizeBytes) },
    ]),
  );
}
