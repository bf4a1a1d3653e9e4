import { describe, expect, it } from 'vitest';
import { liveBackendBytes, runBackendBytes } from '../../../src/engine/memory-shares';
import { LiveMerge } from '../../../src/engine/live-merge';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { CountingBackend, tinyModels, tinyRecipe } from './tiny-models';

describe('the memory of a back end', () => {
  it('follows the bound of the run or the page', () => {
    for (const budgetBytes of [500e6, 750e6, 1.5e9, 8e9]) {
      expect(runBackendBytes(budgetBytes)).toBeLessThan(budgetBytes - 300e6);
      expect(liveBackendBytes(budgetBytes)).toBeLessThanOrEqual(budgetBytes - 300e6);
      const backend = new WasmBackend({
        threadCount: 1,
        memoryBytes: runBackendBytes(budgetBytes),
      });
      expect(backend.capBytes).toBeLessThanOrEqual(runBackendBytes(budgetBytes));
      backend.dispose();
    }
  });
});

describe('live merges under a bound', () => {
  it('drop the set before rather than hold two that do not fit', async () => {
    const inputs = await tinyModels('base', 'a', 'b', 'c');
    const recipes = [
      tinyRecipe('task_arithmetic', { a: 0.5, b: 0.5 }),
      tinyRecipe('task_arithmetic', { a: 0.5, c: 0.5 }),
    ];
    const loadsOf = async (memoryBytes: number): Promise<{ peak: number; loads: number }> => {
      const backend = new CountingBackend();
      const live = new LiveMerge(backend, inputs, memoryBytes);
      for (const recipe of [...recipes, ...recipes]) await live.merge([recipe]);
      live.dispose();
      return { peak: backend.peakLoadedBytes, loads: backend.loadCount };
    };
    const both = await loadsOf(Infinity);
    const one = await loadsOf(both.peak);
    expect(one.loads).toBe(2 * both.loads);
    expect(one.peak).toBe(both.peak / 2);
  });

  it('say before loading that a set does not fit', async () => {
    const backend = new CountingBackend();
    const live = new LiveMerge(backend, await tinyModels('base', 'a'), 1000);
    await expect(live.merge([tinyRecipe('task_arithmetic', { a: 1 })])).rejects.toMatchObject({
      code: 'engine/unsupported',
      details: { limitBytes: 1000 },
    });
    expect(backend.loadCount).toBe(0);
    live.dispose();
  });
});
