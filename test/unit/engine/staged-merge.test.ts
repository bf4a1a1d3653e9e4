import { describe, expect, it } from 'vitest';
import { memoryShares } from '../../../src/engine/memory-shares';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import { planRecipes } from '../../../src/engine/plan-recipes';
import { runsOn } from '../../../src/engine/run-merge';
import { stagedBytesOf, StagedCheckpoint } from '../../../src/engine/staged-merge';
import { parseRecipes } from '../../../src/recipe/parse-recipe';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { syntheticFamily } from '../../../tools/synth/synthetic-model';
import { CountingBackend, inPieces, tinyModel, tinyRecipe } from './tiny-models';

describe('a stage that holds no tensor whole', () => {
  it('goes over a large tensor for its thresholds once, and reads small parts of it', async () => {
    const rows = 4096;
    const tensors = { large: { dtype: 'BF16', shape: [rows, 256] } } as const;
    const models = ['base', 'a', 'b'].map(async (id) => tinyModel(id, { tensors }));
    const inputs: ModelInputs = new Map(
      (await Promise.all(models)).map((input) => [input.id, input]),
    );
    const recipe = tinyRecipe('ties', { a: 1, b: 0.6 }, { parameters: { density: 0.4 } });
    const backend = new CountingBackend(1 << 20);
    const plan = await planMerge(recipe, inputs);
    const whole = await mergeToMemory(plan, backend, 'm');
    const stage = new StagedCheckpoint('m', inPieces(plan), runsOn(backend));
    await stage.read('large', { offsetBytes: 0, lengthBytes: 2 });
    const { reduceCount } = backend;
    expect(reduceCount).toBeGreaterThan(0);
    backend.peakLoadedBytes = 0;
    const loadsBefore = backend.loadCount;
    // Row by row, as an aligned vocabulary may ask: neighbours come from one piece.
    for (let row = 0; row < rows; row += 64) {
      const range = { offsetBytes: row * 512, lengthBytes: 512 };
      const wanted = new Uint8Array(whole.buffer, whole.tensors[0]?.offsetBytes ?? 0);
      const read = await stage.read('large', range);
      expect(Buffer.compare(read, wanted.subarray(row * 512, row * 512 + 512))).toBe(0);
    }
    expect(backend.reduceCount).toBe(reduceCount);
    expect(backend.loadCount - loadsBefore).toBe((rows * 256) / (1 << 17) - 1);
    // A piece of three models, not a slice.
    expect(backend.peakLoadedBytes).toBe(3 * 2 * (1 << 17));
  });
});

describe('the bound of memory with stages', () => {
  it.each([750e6, 1.5e9])('of %d bytes holds for Gemma-2-2B', async (budgetBytes) => {
    const names = ['base', 'a', 'b', 'c'];
    const family = await syntheticFamily({ size: 'gemma-2b', modelCount: 4, seed: 1 });
    const inputs: ModelInputs = new Map(
      await Promise.all(
        family.map(async (files, index) => {
          const id = names[index] ?? '';
          return [id, { id, files, checkpoint: await openCheckpoint(files) }] as const;
        }),
      ),
    );
    const recipes = parseRecipes(stagedText).map(({ recipe }) => recipe);
    const plan = await planRecipes(recipes, inputs, { budgetBytes });
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    // What one merge alone may take in all: three share it here.
    expect(plan.cost.peakMemoryBytes).toBeLessThanOrEqual(memoryShares(budgetBytes).workBytes);
    const embeddingBytes = 256_000 * 2304 * 2;
    expect(stagedBytesOf(plan)).toBeLessThan(embeddingBytes / 8);
    const alone = await planRecipes(recipes.slice(0, 1), inputs, { budgetBytes });
    expect(plan.cost.bytesRead).toBeGreaterThan(alone.cost.bytesRead);
  });
});

const stagedText = `name: first
merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 0.6, density: 0.4}}
  - {model: b, parameters: {weight: 0.5, density: 0.5}}
---
name: second
merge_method: della
base_model: base
models:
  - {model: b, parameters: {weight: 0.4, density: 0.6, epsilon: 0.1}}
  - {model: c, parameters: {weight: 0.7, density: 0.5, epsilon: 0.1}}
---
merge_method: ties
base_model: base
models:
  - {model: first, parameters: {weight: 0.5, density: 0.5}}
  - {model: second, parameters: {weight: 0.5, density: 0.5}}
`;
