import { describe, expect, it } from 'vitest';
import { isAbort } from '../../../src/core/errors';
import { LiveMerge } from '../../../src/engine/live-merge';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import type { Recipe } from '../../../src/recipe/recipe';
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
      const { weights, bytesRead } = await live.merge(recipe);
      const wanted = await expected(recipe, inputs);
      expect(Buffer.compare(new Uint8Array(weights.buffer), wanted)).toBe(0);
      expect(bytesRead).toBeGreaterThan(400_000);
    }
    expect(backend.loadCount).toBe(4);
    // A soup has no base: another set of slices, loaded beside the first.
    const soup = tinyRecipe('linear', { a: 1, b: 1 });
    const { weights } = await live.merge(soup);
    expect(Buffer.compare(new Uint8Array(weights.buffer), await expected(soup, inputs))).toBe(0);
    expect(backend.loadCount).toBe(8);
    await live.merge(tinyRecipe('ties', { a: 1, b: 1 }));
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
      const { weights } = await live.merge(recipe);
      reduceCounts.push(backend.reduceCount - before);
      const wanted = await expected(recipe, inputs);
      expect(Buffer.compare(new Uint8Array(weights.buffer), wanted)).toBe(0);
    }
    expect(reduceCounts[0]).toBeGreaterThan(0);
    expect(reduceCounts[1]).toBe(0);
    expect(reduceCounts[2]).toBeGreaterThan(0);
    live.dispose();
  });

  it('lets the newest call win and goes on loading for it', async () => {
    const backend = new CountingBackend();
    const inputs = await tinyModels('base', 'a', 'b');
    const live = new LiveMerge(backend, inputs);
    const calls = [0.1, 0.2, 0.3].map(async (weight) =>
      live.merge(tinyRecipe('task_arithmetic', { a: weight, b: weight })),
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
    await live.load(recipe);
    const controller = new AbortController();
    const merging = live.merge(recipe, { signal: controller.signal });
    setTimeout(() => {
      controller.abort(new Error('cancelled'));
    }, 0);
    await expect(merging.then(() => 'merged')).rejects.toThrow('cancelled');
    expect((await live.merge(recipe)).weights.tensors).toHaveLength(5);
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
    await expect(live.merge(recipe)).rejects.toThrow('the line is cut');
    expect(backend.loaded.size).toBe(0);
    isBroken = false;
    const { weights } = await live.merge(recipe);
    const wanted = await expected(recipe, inputs);
    expect(Buffer.compare(new Uint8Array(weights.buffer), wanted)).toBe(0);
    live.dispose();
  });

  it('refuses what does not fit with the sentence of the plan', async () => {
    const live = new LiveMerge(new CountingBackend(), await tinyModels('base', 'a'));
    await expect(live.merge(tinyRecipe('linear', { law: 1 }))).rejects.toMatchObject({
      code: 'recipe/missing-model',
    });
    await expect(live.merge(tinyRecipe('linear', { a: NaN }))).rejects.toMatchObject({
      code: 'recipe/bad-value',
    });
    live.dispose();
    await expect(live.merge(tinyRecipe('linear', { a: 1 }))).rejects.toThrow('unloaded');
  });
});
