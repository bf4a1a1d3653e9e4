import { expect } from 'vitest';
import type { ModelInputs } from '../../../src/engine/model-input';
import { describeOutput, type OutputFile } from '../../../src/engine/output-files';
import { planMerge } from '../../../src/engine/plan';
import type { Recipe } from '../../../src/recipe/recipe';
import { CountingBackend, tinyRecipe } from './tiny-models';

/** Merges `a` and `b` into `base`. */
export const recipe = tinyRecipe('task_arithmetic', { a: 0.5, b: 1 });

/** The files of a merge. */
export async function outputOf(
  inputs: ModelInputs,
  wanted: Recipe = recipe,
  options: Partial<Parameters<typeof describeOutput>[2]> = {},
  backend = new CountingBackend(),
): Promise<OutputFile[]> {
  const plan = await planMerge(wanted, inputs);
  return describeOutput(plan, backend, { title: 'my-merge', ...options });
}

/** Takes every stream in order, and checks that each is as long as it said. */
export async function contentsOf(files: readonly OutputFile[]): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const file of files) {
    const parts: Uint8Array[] = [];
    for await (const bytes of file.stream()) parts.push(bytes.slice());
    const bytes = new Uint8Array(Buffer.concat(parts));
    expect([file.path, bytes.byteLength]).toEqual([file.path, file.sizeBytes]);
    contents.set(file.path, bytes);
  }
  return contents;
}

export const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
