import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveMerge } from '../../../src/engine/live-merge';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import { throwFirstError } from '../../../src/engine/finding';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge, type MergePlan } from '../../../src/engine/plan';
import { runsOn } from '../../../src/engine/run-merge';
import type { MergeMethod, NumberParameter } from '../../../src/methods/method';
import { StagedCheckpoint } from '../../../src/engine/staged-merge';
import { findMethod, methods } from '../../../src/methods/registry';
import type { ParameterValue, Recipe } from '../../../src/recipe/recipe';
import { CountingBackend, inPieces, tinyModel, type TinyTensor } from './tiny-models';

/** Small matrices, a vector, and a table of four chunks whose rows end with a chunk only once. */
const tensors: Readonly<Record<string, TinyTensor>> = {
  'model.embed_tokens.weight': { dtype: 'BF16', shape: [33, 24] },
  'model.layers.0.mlp.up_proj.weight': { dtype: 'BF16', shape: [24, 12] },
  'wpe.weight': { dtype: 'BF16', shape: [2050, 24] },
  'model.layers.1.mlp.up_proj.weight': { dtype: 'F16', shape: [24, 12] },
  'model.norm.weight': { dtype: 'F32', shape: [24] },
};
const specialists = ['a', 'b', 'c'];

async function tinyInputs(more: Readonly<Record<string, TinyTensor>> = {}): Promise<ModelInputs> {
  const models = await Promise.all(
    ['base', ...specialists].map(async (id) => tinyModel(id, { tensors: { ...tensors, ...more } })),
  );
  return new Map(models.map((model) => [model.id, model]));
}

/** Values that let every part of a method do something. */
const given: Readonly<Record<string, number>> = { weight: 0.7, density: 0.6, epsilon: 0.1, t: 0.3 };

function recipeFor(method: MergeMethod): Recipe {
  const count = Math.min(specialists.length, method.specialistCount.max);
  const values = (scope: NumberParameter['scope']): Record<string, ParameterValue> =>
    Object.fromEntries(
      method.parameters
        .filter((parameter) => parameter.kind === 'number' && parameter.scope === scope)
        .flatMap(({ name }) => (name in given ? [[name, given[name] ?? 0]] : [])),
    );
  return {
    mergeMethod: method.id,
    ...(method.base === 'none' ? {} : { baseModel: 'base' }),
    models: specialists.slice(0, count).map((model) => ({ model, parameters: values('model') })),
    parameters: values('method'),
    mergelab: { seed: 3 },
  };
}

async function bytesOf(plan: MergePlan, backend: CountingBackend): Promise<Uint8Array> {
  const { buffer } = await mergeToMemory(plan, backend, 'm');
  expect(backend.loaded.size).toBe(0);
  return new Uint8Array(buffer);
}

describe('every method', () => {
  it.each(methods.map((method) => method.id))(
    'merges by %s alike in one slice, in several, and while sliders move',
    async (id) => {
      const inputs = await tinyInputs();
      const recipe = recipeFor(findMethod(id));
      const plan = await planMerge(recipe, inputs);
      throwFirstError(plan.findings);
      const whole = await bytesOf(plan, new CountingBackend());
      expect(whole.some((byte) => byte !== 0)).toBe(true);
      // Room for one chunk of four models and some columns.
      const sliced = await bytesOf(plan, new CountingBackend(16384 * 24));
      expect(Buffer.compare(sliced, whole)).toBe(0);

      const live = new LiveMerge(new CountingBackend(), inputs);
      for (let round = 0; round < 2; round++) {
        const { weights } = await live.merge([recipe]);
        expect(Buffer.compare(new Uint8Array(weights.buffer), whole)).toBe(0);
      }
      live.dispose();
    },
  );

  it.each(methods.map((method) => method.id))(
    'merges by %s alike as a stage of which any bytes are read',
    async (id) => {
      // Three pieces of a large tensor, whether rows are ranked or not.
      const inputs = await tinyInputs({ 'wpe.weight': { dtype: 'BF16', shape: [12_500, 24] } });
      const plan = await planMerge(recipeFor(findMethod(id)), inputs);
      const backend = new CountingBackend();
      const whole = await mergeToMemory(plan, backend, 'm');
      const stage = new StagedCheckpoint('m', inPieces(plan), runsOn(backend));
      for (const { name, offsetBytes, sizeBytes } of whole.tensors) {
        const wanted = new Uint8Array(whole.buffer, offsetBytes, sizeBytes);
        const place = fc.integer({ min: 0, max: sizeBytes });
        const anyRange = fc.asyncProperty(place, place, async (one, other) => {
          const [begin, end] = [Math.min(one, other), Math.max(one, other)];
          const read = await stage.read(name, { offsetBytes: begin, lengthBytes: end - begin });
          expect(Buffer.compare(read, wanted.subarray(begin, end))).toBe(0);
        });
        await fc.assert(anyRange, { numRuns: 5, seed: 3 });
      }
      expect(backend.loaded.size).toBe(0);
    },
  );

  it.each(methods.filter(({ keepsBase }) => keepsBase).map((method) => method.id))(
    'leaves the embedding at the base in %s, rounded if another dtype is written',
    async (id) => {
      const inputs = await tinyInputs();
      const recipe = recipeFor(findMethod(id));
      const plan = await planMerge(recipe, inputs);
      expect(plan.tensors[0]).toMatchObject({ kind: 'copy', source: { model: { id: 'base' } } });
      const widened = await planMerge({ ...recipe, dtype: 'float32' }, inputs);
      const { tensors: placed, buffer } = await mergeToMemory(widened, new CountingBackend(), 'm');
      const stored = await inputs.get('base')?.checkpoint.read('model.embed_tokens.weight');
      const bits = new Uint16Array(stored?.slice().buffer ?? new ArrayBuffer(0));
      const found = new Uint32Array(buffer, placed[0]?.offsetBytes, bits.length);
      expect(found).toEqual(Uint32Array.from(bits, (half) => half * 2 ** 16));
    },
  );
});

describe('mergekit’s random numbers', () => {
  const recipe: Recipe = {
    mergeMethod: 'dare_linear',
    baseModel: 'base',
    models: specialists.map((model) => ({ model, parameters: { weight: 1 } })),
    parameters: { density: [{ filter: 'mlp', value: 0.5 }, { value: 1 }] },
    mergelab: { seed: 42, random: 'mergekit' },
  };

  it('are the same in any slices, and others than the lab’s', async () => {
    const inputs = await tinyInputs();
    const plan = await planMerge(recipe, inputs);
    const whole = await bytesOf(plan, new CountingBackend());
    expect(Buffer.compare(await bytesOf(plan, new CountingBackend(16384 * 24)), whole)).toBe(0);
    const lab = await planMerge({ ...recipe, mergelab: { seed: 42 } }, inputs);
    expect(Buffer.compare(await bytesOf(lab, new CountingBackend()), whole)).not.toBe(0);
  });

  it('move on in all later tensors when an earlier one draws more, also in a live merge', async () => {
    const inputs = await tinyInputs();
    const live = new LiveMerge(new CountingBackend(), inputs);
    await live.merge([recipe]);
    const more = { ...recipe, parameters: { density: 0.5 } };
    const { weights } = await live.merge([more]);
    const expected = await bytesOf(await planMerge(more, inputs), new CountingBackend());
    expect(Buffer.compare(new Uint8Array(weights.buffer), expected)).toBe(0);
    live.dispose();
  });
});
