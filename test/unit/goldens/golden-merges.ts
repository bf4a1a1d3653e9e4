import type { FloatDtype } from '../../../src/core/dtype';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import type { MergeBackend } from '../../../src/expr/backend';
import type { CheckpointReader } from '../../../src/formats/checkpoint-reader';
import { parseRecipe } from '../../../src/recipe/parse-recipe';

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

/** Ids of the models that a folder of goldens may have. */
export const modelNames = ['base', 'a', 'b', 'c', 'untied'];

export interface GoldenTensor {
  readonly dtype: FloatDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export type GoldenTensors = ReadonlyMap<string, GoldenTensor>;

/** The tensors that the peer merged, by recipe; the file calls them `RECIPE:TENSOR`. */
export async function tensorsByRecipe(
  outputs: CheckpointReader,
): Promise<Map<string, Map<string, GoldenTensor>>> {
  const recipes = new Map<string, Map<string, GoldenTensor>>();
  for (const [name, { dtype, shape }] of outputs.tensors) {
    const [id = '', tensor = ''] = name.split(':');
    const tensors = recipes.get(id) ?? new Map<string, GoldenTensor>();
    recipes.set(id, tensors);
    const bytes = await outputs.read(name);
    tensors.set(tensor, { dtype: dtype as FloatDtype, shape, bytes });
  }
  return recipes;
}

/** Merges as the command line does, into memory. */
export async function mergeGolden(
  text: string,
  models: ModelInputs,
  backend: MergeBackend,
): Promise<Map<string, GoldenTensor>> {
  const plan = await planMerge(parseRecipe(text), models);
  const { buffer, tensors } = await mergeToMemory(plan, backend, 'golden');
  return new Map(
    tensors.map(({ name, dtype, shape, offsetBytes, sizeBytes }) => [
      name,
      { dtype: dtype as FloatDtype, shape, bytes: new Uint8Array(buffer, offsetBytes, sizeBytes) },
    ]),
  );
}
