import { describe, expect, it } from 'vitest';
import { isAbort } from '../../../src/core/errors';
import { LiveMerge } from '../../../src/engine/live-merge';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import { planRecipes } from '../../../src/engine/plan-recipes';
import { runsOn } from '../../../src/engine/run-merge';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import type { Recipe } from '../../../src/recipe/recipe';
import { embedding, modelsOf } from './token-models';
import { CountingBackend, tinyModels, tinyRecipe } from './tiny-models';

async function expected(recipe: Recipe, inputs: ModelInputs): Promise<Uint8Array> {
  const plan = await planMerge(recipe, inputs);
  return new Uint8Array((await mergeToMemory(plan, new CountingBackend(), 'm')).buffer);
}

describe('LiveMerge', () => {
  it('merges by any method as a plan does, and reads the models once', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const backend = new CountingBackend();
    const live = new LiveMerge(backend, inputs);
    const recipes = [
      tinyRecipe('task_arithmetic', { a: 0.3, b: 0.9 }),
      tinyRecipe('task_arithmetic', { a: -1, b: 2 }),
      tinyRecipe(
        'ties',
        { a: 1, b: 1 },
        { parameters: { density: 0.2 }, mergelab: { granularity: 'model' } },
      ),
      tinyRecipe('dare_linear', { a: 1, b: 1 }, { parameters: { density: 0.5 } }),
    ];
    for (const recipe of recipes) {
      const { weights, bytesRead } = await live.merge([recipe]);
      const wanted = await expected(recipe, inputs);
      expect(Buffer.compare(new Uint8Array(weights.buffer), wanted)).toBe(0);
      expect(bytesRead).toBeGreaterThan(400_000);
    }
    expect(backend.loadCount).toBe(4);
    // A soup has no base: another set of slices, loaded beside the first.
    const soup = tinyRecipe('linear', { a: 1, b: 1 });
    const { weights } = await live.merge([soup]);
    expect(Buffer.compare(new Uint8Array(weights.buffer), await expected(soup, inputs))).toBe(0);
    expect(backend.loadCount).toBe(8);
    await live.merge([tinyRecipe('ties', { a: 1, b: 1 })]);
    expect(backend.loadCount).toBe(8);
    live.dispose();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(backend.loaded.size).toBe(0);
  });

  it('does not rank again when only a weight moves', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const backend = new CountingBackend();
    const live = new LiveMerge(backend, inputs);
    const recipeOf = (weight: number, density: number): Recipe =>
      tinyRecipe('ties', { a: weight, b: 1 }, { parameters: { density } });
    const reduceCounts: number[] = [];
    for (const [weight, density] of [
      [1, 0.2],
      [0.5, 0.2],
      [0.5, 0.4],
      [1, 0.2],
    ] as const) {
      const before = backend.reduceCount;
      const recipe = recipeOf(weight, density);
      const { weights } = await live.merge([recipe]);
      reduceCounts.push(backend.reduceCount - before);
      const wanted = await expected(recipe, inputs);
      expect(Buffer.compare(new Uint8Array(weights.buffer), wanted)).toBe(0);
    }
    expect(reduceCounts[0]).toBeGreaterThan(0);
    expect(reduceCounts[1]).toBe(0);
    expect(reduceCounts[2]).toBeGreaterThan(0);
    live.dispose();
  });

  it('merges stages as writing them would, once, while the last recipe moves', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const backend = new CountingBackend();
    const live = new LiveMerge(backend, inputs);
    const recipesOf = (stage: number, weight: number): Recipe[] => [
      tinyRecipe('linear', { a: stage, b: 0.5 }, { name: 'soup', dtype: 'bfloat16' }),
      tinyRecipe('task_arithmetic', { soup: weight, b: 0.2 }),
    ];
    const loadCounts: number[] = [];
    for (const [stage, weight] of [
      [0.5, 1],
      [0.5, 0.3],
      [0.9, 0.3],
      [0.5, 0.7],
    ] as const) {
      const before = backend.loadCount;
      const recipes = recipesOf(stage, weight);
      const { weights } = await live.merge(recipes);
      loadCounts.push(backend.loadCount - before);
      const plan = await planRecipes(recipes, inputs, {
        startRun: runsOn(new CountingBackend()),
      });
      const wanted = await mergeToMemory(plan, new CountingBackend(), 'm');
      expect(Buffer.compare(Buffer.from(weights.buffer), Buffer.from(wanted.buffer))).toBe(0);
    }
    // Four slices of the last recipe, and four of the stage that is merged to load them.
    expect(loadCounts).toEqual([8, 0, 8, 0]);
    live.dispose();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(backend.loaded.size).toBe(0);
  });

  it('gives the merge the tokenizer that the recipe asks for', async () => {
    const inputs = await modelsOf('plain', 'chatml');
    const backend = new CountingBackend();
    const live = new LiveMerge(backend, inputs);
    const rowCounts: unknown[] = [];
    const loadCounts: number[] = [];
    for (const [source, weight] of [
      ['union', 0.5],
      ['union', 0.8],
      ['base', 0.8],
    ] as const) {
      const recipe: Recipe = {
        ...tinyRecipe('linear', { plain: weight, chatml: 0.5 }),
        baseModel: 'plain',
        tokenizer: { source, tokens: {} },
      };
      const before = backend.loadCount;
      const { weights, plan } = await live.merge([recipe]);
      loadCounts.push(backend.loadCount - before);
      rowCounts.push(plan.tensors.find(({ name }) => name === embedding)?.shape[0]);
      const other = await planRecipes([recipe], inputs);
      const wanted = await mergeToMemory(other, new CountingBackend(), 'm');
      expect(Buffer.compare(Buffer.from(weights.buffer), Buffer.from(wanted.buffer))).toBe(0);
    }
    expect(rowCounts).toEqual([43, 43, 41]);
    expect(loadCounts).toEqual([2, 0, 2]);
    live.dispose();
  });

  it('lets the newest call win and goes on loading for it', async () => {
    const backend = new CountingBackend();
    const inputs = await tinyModels('base', 'a', 'b');
    const live = new LiveMerge(backend, inputs);
    const calls = [0.1, 0.2, 0.3].map(async (weight) =>
      live.merge([tinyRecipe('task_arithmetic', { a: weight, b: weight })]),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    for (const outcome of outcomes.slice(0, 2)) {
      expect(outcome.status === 'rejected' && isAbort(outcome.reason)).toBe(true);
    }
    expect(backend.loadCount).toBe(4);
    live.dispose();
  });

  it('hears a later message while it merges, and merges again after an abort', async () => {
    // The oracle never leaves the microtask queue: without pauses the timer would come too late.
    const live = new LiveMerge(new OracleBackend(), await tinyModels('base', 'a', 'b'));
    const recipe = tinyRecipe('ties', { a: 1, b: 1 }, { parameters: { density: 0.2 } });
    await live.load([recipe]);
    const controller = new AbortController();
    const merging = live.merge([recipe], { signal: controller.signal });
    setTimeout(() => {
      controller.abort(new Error('cancelled'));
    }, 0);
    await expect(merging.then(() => 'merged')).rejects.toThrow('cancelled');
    expect((await live.merge([recipe])).weights.tensors).toHaveLength(5);
    live.dispose();
  });

  it('recovers from a model that could not be read', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const a = inputs.get('a');
    if (a === undefined) throw new Error('there is an a');
    let isBroken = true;
    const flaky = new Map(inputs).set('a', {
      ...a,
      checkpoint: {
        label: 'a',
        tensors: a.checkpoint.tensors,
        read: async (name, range, signal) =>
          isBroken && name === 'model.norm.weight'
            ? Promise.reject(new Error('the line is cut'))
            : a.checkpoint.read(name, range, signal),
      },
    });
    const backend = new CountingBackend();
    const live = new LiveMerge(backend, flaky);
    const recipe = tinyRecipe('linear', { a: 1, b: 1 });
    await expect(live.merge([recipe])).rejects.toThrow('the line is cut');
    expect(backend.loaded.size).toBe(0);
    isBroken = false;
    const { weights } = await live.merge([recipe]);
    const wanted = await expected(recipe, inputs);
    expect(Buffer.compare(new Uint8Array(weights.buffer), wanted)).toBe(0);
    live.dispose();
  });

  it('refuses what does not fit with the sentence of the plan', async () => {
    const live = new LiveMerge(new CountingBackend(), await tinyModels('base', 'a'));
    await expect(live.merge([tinyRecipe('linear', { law: 1 })])).rejects.toMatchObject({
      code: 'recipe/missing-model',
    });
    await expect(live.merge([tinyRecipe('linear', { a: NaN })])).rejects.toMatchObject({
      code: 'recipe/bad-value',
    });
    live.dispose();
    await expect(live.merge([tinyRecipe('linear', { a: 1 })])).rejects.toThrow('unloaded');
  });
});
