import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementCountOf } from '../../../src/core/dtype';
import { fixedBytes, memoryShares, smallestBudgetBytes } from '../../../src/engine/memory-shares';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import { methods } from '../../../src/methods/registry';
import type { Recipe } from '../../../src/recipe/recipe';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { syntheticFamily } from '../../../tools/synth/synthetic-model';
import { CountingBackend, tinyModels, tinyRecipe } from './tiny-models';

const specialists = ['a', 'b', 'c', 'd', 'e'];

/** A base and five specialists with Gemma-2-2B's shapes; no weight is ever made. */
async function gemmaInputs(): Promise<ModelInputs> {
  const family = await syntheticFamily({ size: 'gemma-2b', modelCount: 6, seed: 1 });
  const inputs = await Promise.all(
    family.map(async (files, index) => {
      const id = ['base', ...specialists][index] ?? '';
      return [id, { id, files, checkpoint: await openCheckpoint(files) }] as const;
    }),
  );
  return new Map(inputs);
}

describe('a bound of memory', () => {
  it.each([smallestBudgetBytes, 750e6, 1.5e9, 8e9])(
    'of %d bytes holds for Gemma-2-2B and five specialists by every method, or the plan says so',
    async (budgetBytes) => {
      const inputs = await gemmaInputs();
      const { workBytes, readingBytes } = memoryShares(budgetBytes);
      expect(workBytes + readingBytes + fixedBytes).toBeLessThan(budgetBytes);
      const tooLarge: string[] = [];
      for (const method of methods) {
        const count = Math.min(specialists.length, method.specialistCount.max);
        const recipe: Recipe = {
          mergeMethod: method.id,
          ...(method.base === 'none' ? {} : { baseModel: 'base' }),
          models: specialists
            .slice(0, count)
            .map((model) => ({ model, parameters: { weight: 0.3 } })),
          parameters: { density: 0.5, t: 0.5 },
        };
        const plan = await planMerge(recipe, inputs, { budgetBytes });
        const isRefused = plan.findings.some(
          ({ severity, code }) => severity === 'error' && code === 'engine/unsupported',
        );
        if (isRefused) tooLarge.push(method.id);
        else expect([method.id, plan.cost.peakMemoryBytes <= workBytes]).toEqual([method.id, true]);
      }
      // Whole matrices cannot be cut: 2304 × 9216 from five models are 0.9 GB and more.
      const spectral = methods.filter(({ defineMatrix }) => defineMatrix !== undefined);
      expect(tooLarge.toSorted()).toEqual(
        budgetBytes > 2e9 ? [] : spectral.map(({ id }) => id).toSorted(),
      );
    },
  );

  it('changes no bit of the result', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const backend = new CountingBackend();
    const parameters = { density: 0.4, weight: 0.7 };
    for (const id of ['task_arithmetic', 'ties', 'dare_ties', 'della', 'mb_ties', 'sce']) {
      const plan = await planMerge(tinyRecipe(id, { a: 1, b: 0.6 }, { parameters }), inputs);
      const whole = await bytesOf(plan, backend);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 5 }),
          fc.boolean(),
          fc.constantFrom(0, 1 << 30),
          async (unitCount, isResident, residentBytes) => {
            const cut = cutInto(plan, unitCount, isResident, residentBytes);
            expect(Buffer.compare(await bytesOf(cut, backend), whole)).toBe(0);
          },
        ),
        { numRuns: 4, seed: 7 },
      );
      expect(backend.loaded.size).toBe(0);
    }
  });
});

/** The plan as another bound of memory would have made it. */
function cutInto(
  plan: MergePlan,
  unitCount: number,
  isResident: boolean,
  residentBytes: number,
): MergePlan {
  const tensors = plan.tensors.map((tensor) => {
    if (tensor.kind === 'copy') return tensor;
    const sliceElements = unitCount * tensor.sliceNeeds.unitElements;
    return { ...tensor, sliceElements: Math.min(sliceElements, wholeOf(tensor.shape)), isResident };
  });
  return { ...plan, tensors, shares: { ...plan.shares, residentBytes } };
}

function wholeOf(shape: readonly number[]): number {
  return Math.ceil(elementCountOf(shape) / 16384) * 16384;
}

async function bytesOf(plan: MergePlan, backend: CountingBackend): Promise<Uint8Array> {
  return new Uint8Array((await mergeToMemory(plan, backend, 'm')).buffer);
}
