import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16 } from '../../../src/core/float-bits';
import { MergedCheckpoint } from '../../../src/engine/merged-checkpoint';
import { mergeToMemory, reserveWeights } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { planMerge } from '../../../src/engine/plan';
import { MergeRun } from '../../../src/engine/run-merge';
import type { Recipe } from '../../../src/recipe/recipe';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { CountingBackend, tinyModels, tinyRecipe } from './tiny-models';

/** Small enough that the largest tiny tensor has two slices. */
const smallSliceBytes = 65536 * 6;

async function mergedBytes(
  recipe: Recipe,
  inputs: ModelInputs,
  backend = new CountingBackend(),
): Promise<Uint8Array> {
  const plan = await planMerge(recipe, inputs);
  const weights = await mergeToMemory(plan, backend, 'm');
  expect(backend.loaded.size).toBe(0);
  return new Uint8Array(weights.buffer);
}

async function widened(inputs: ModelInputs, id: string, name: string): Promise<number[]> {
  const checkpoint = inputs.get(id)?.checkpoint;
  const bytes = await checkpoint?.read(name);
  const half = checkpoint?.tensors.get(name)?.dtype === 'F16' ? f16ToF32 : bf16ToF32;
  return [...new Uint16Array(bytes?.slice().buffer ?? new ArrayBuffer(0))].map(half);
}

describe('mergeToMemory', () => {
  it('adds weighted task vectors, tensor by tensor, and copies what is no weight', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const recipe = tinyRecipe('task_arithmetic', { a: 0.5, b: -0.25 });
    const plan = await planMerge(recipe, inputs);
    const weights = await mergeToMemory(plan, new CountingBackend(), 'm');
    const merged = new MergedCheckpoint(weights);
    const name = 'model.embed_tokens.weight';
    const [base, a, b] = await Promise.all(
      ['base', 'a', 'b'].map(async (id) => widened(inputs, id, name)),
    );
    const expected = base?.map((value, index) => {
      const [x = 0, y = 0] = [a?.[index], b?.[index]];
      const f = Math.fround;
      return f32ToBf16(f(value + f(f(0.5 * f(x - value)) + f(-0.25 * f(y - value)))));
    });
    const found = [...new Uint16Array((await merged.read(name)).slice().buffer)];
    // Operation by operation in float32 and rounded once: equal to the last bit.
    expect(found).toEqual(expected);
    expect(await merged.read('model.layers.0.position_ids')).toEqual(
      await inputs.get('base')?.checkpoint.read('model.layers.0.position_ids'),
    );
    expect(await merged.read(name, { offsetBytes: 4, lengthBytes: 6 })).toEqual(
      (await merged.read(name)).slice(4, 10),
    );
    await expect(merged.read('none')).rejects.toMatchObject({ code: 'format/truncated' });
  });

  const recipes: [string, Recipe][] = [
    ['linear', tinyRecipe('linear', { a: 1, b: 2 })],
    ['ties', tinyRecipe('ties', { a: 1, b: 0.5 }, { parameters: { density: 0.3 } })],
    [
      'ties over the whole model',
      tinyRecipe(
        'ties',
        { a: 1, b: 0.5 },
        { parameters: { density: 0.3 }, mergelab: { granularity: 'model' } },
      ),
    ],
    [
      'dare_linear',
      tinyRecipe(
        'dare_linear',
        { a: 1, b: 0.5 },
        { parameters: { density: 0.5 }, mergelab: { seed: 7 } },
      ),
    ],
  ];
  it.each(recipes)(
    'gives %s the same bytes in one slice, in two, on two threads, and by the oracle',
    async (_id, recipe) => {
      const inputs = await tinyModels('base', 'a', 'b');
      const whole = await mergedBytes(recipe, inputs);
      const sliced = await mergedBytes(recipe, inputs, new CountingBackend(smallSliceBytes));
      expect(Buffer.compare(sliced, whole)).toBe(0);
      const plan = await planMerge(recipe, inputs);
      const threads = new WasmBackend({ threadCount: 2, memoryBytes: 64 << 20 });
      for (const backend of [threads, new OracleBackend()]) {
        const bytes = new Uint8Array((await mergeToMemory(plan, backend, 'm')).buffer);
        expect(Buffer.compare(bytes, whole)).toBe(0);
      }
      threads.dispose();
    },
  );

  it('merges equal models into themselves', async () => {
    const one = (await tinyModels('base')).get('base');
    if (one === undefined) throw new Error('there is a base');
    const inputs = new Map(['base', 'a', 'b'].map((id) => [id, { ...one, id }]));
    const bytes = await mergedBytes(tinyRecipe('ties', { a: 1, b: 1 }), inputs);
    const linear = await mergedBytes(tinyRecipe('linear', { a: 1, b: 1 }), inputs);
    const plan = await planMerge(tinyRecipe('linear', { base: 1 }), inputs);
    const weights = await mergeToMemory(plan, new CountingBackend(), 'm');
    for (const [name] of one.checkpoint.tensors) {
      const offset = weights.tensors.find((tensor) => tensor.name === name)?.offsetBytes ?? 0;
      const expected = await one.checkpoint.read(name);
      for (const merged of [bytes, linear]) {
        const found = merged.slice(offset, offset + expected.byteLength);
        expect([name, Buffer.compare(found, expected)]).toEqual([name, 0]);
      }
    }
  });

  it('says that a merge is too large for memory', () => {
    const tensor = { name: 'w', dtype: 'F32', shape: [2 ** 50], sizeBytes: 2 ** 52 } as const;
    expect(() => reserveWeights('m', [tensor])).toThrow(
      expect.objectContaining({ code: 'wasm/out-of-memory' }) as Error,
    );
  });

  it('reports bytes with a rate', async () => {
    const inputs = await tinyModels('base', 'a');
    const plan = await planMerge(
      tinyRecipe('ties', { a: 1 }, { mergelab: { granularity: 'model' } }),
      inputs,
    );
    const seen: string[] = [];
    let last = { done: 0, total: 0 };
    await mergeToMemory(plan, new CountingBackend(), 'm', {
      onProgress: (progress) => {
        if (seen.at(-1) !== progress.stage) seen.push(progress.stage);
        expect(progress.unit).toBe('bytes');
        last = progress;
      },
    });
    expect(seen).toEqual(['Merging']);
    expect(last.done).toBe(last.total);
    expect(last.total).toBe(plan.cost.bytesWritten);
  });
});

describe('MergeRun', () => {
  it('goes through a model in the order of its file, also where a tensor has many slices', async () => {
    const read: string[] = [];
    const inputs = new Map(
      [...(await tinyModels('base', 'a', 'b'))].map(([id, input]) => {
        const { label, tensors } = input.checkpoint;
        const note: typeof input.checkpoint.read = async (name, range, signal) => {
          if (id === 'a' && read.at(-1) !== name) read.push(name);
          return input.checkpoint.read(name, range, signal);
        };
        return [id, { ...input, checkpoint: { label, tensors, read: note } }];
      }),
    );
    const plan = await planMerge(tinyRecipe('linear', { a: 1, b: 1 }), inputs);
    await mergeToMemory(plan, new CountingBackend(smallSliceBytes), 'm');
    expect(read).toEqual([...new Set(read)]);
    expect(read.length).toBeGreaterThan(3);
  });
});

/** A method of four passes. */
const trimmed = tinyRecipe('ties', { a: 1, b: 1 }, { parameters: { density: 0.3 } });

describe('MergeRun that does not come to its end', () => {
  /** Inputs of which the n-th read of a weight calls `onRead` first. */
  async function watched(readNumber: number, onRead: () => void): Promise<ModelInputs> {
    const inputs = await tinyModels('base', 'a', 'b');
    let reads = 0;
    return new Map(
      [...inputs].map(([id, input]) => {
        const { label, tensors } = input.checkpoint;
        const read: typeof input.checkpoint.read = async (name, range, signal) => {
          reads += 1;
          if (reads === readNumber) onRead();
          return input.checkpoint.read(name, range, signal);
        };
        return [id, { ...input, checkpoint: { label, tensors, read } }];
      }),
    );
  }

  it.each([1, 5, 8, 12])(
    'stops at an abort during read %d and frees everything',
    async (number) => {
      const controller = new AbortController();
      const inputs = await watched(number, () => {
        controller.abort(new Error('the person cancelled'));
      });
      const backend = new CountingBackend(smallSliceBytes);
      const plan = await planMerge(trimmed, inputs);
      await expect(
        mergeToMemory(plan, backend, 'm', { signal: controller.signal }),
      ).rejects.toThrow('the person cancelled');
      await Promise.resolve();
      expect(backend.loaded.size).toBe(0);
    },
  );

  it('passes a failed read on and frees everything', async () => {
    const inputs = await watched(6, () => {
      throw new Error('the disk is gone');
    });
    const backend = new CountingBackend(smallSliceBytes);
    const plan = await planMerge(trimmed, inputs);
    await expect(mergeToMemory(plan, backend, 'm')).rejects.toThrow('the disk is gone');
    expect(backend.loaded.size).toBe(0);
  });

  it('stops when the sink fails', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const backend = new CountingBackend(smallSliceBytes);
    const plan = await planMerge(tinyRecipe('linear', { a: 1, b: 1 }), inputs);
    let emitted = 0;
    const run = new MergeRun(plan, backend);
    await expect(
      run.merge(plan.tensors, () => {
        emitted += 1;
        if (emitted === 2) throw new Error('the disk is full');
      }),
    ).rejects.toThrow('the disk is full');
    expect(emitted).toBe(2);
    expect(backend.loaded.size).toBe(0);
  });

  it('refuses a plan with errors before anything is read', async () => {
    const inputs = await watched(1, () => {
      throw new Error('a weight was read');
    });
    const plan = await planMerge(tinyRecipe('linear', { a: 1, b: 1 }), inputs);
    const bad = {
      ...plan,
      findings: [
        { severity: 'error', code: 'recipe/shape-mismatch', sentence: 'No.', models: [] } as const,
      ],
    };
    await expect(mergeToMemory(bad, new CountingBackend(), 'm')).rejects.toMatchObject({
      code: 'recipe/shape-mismatch',
    });
  });

  it('keeps no more loaded than a slice when a tensor is too large to stay', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const plan = await planMerge(trimmed, inputs);
    const streaming = {
      ...plan,
      tensors: plan.tensors.map((tensor) =>
        tensor.kind === 'merge' ? { ...tensor, isResident: false } : tensor,
      ),
    };
    const backend = new CountingBackend(smallSliceBytes);
    const weights = await mergeToMemory(streaming, backend, 'm');
    const resident = await mergeToMemory(plan, new CountingBackend(smallSliceBytes), 'm');
    expect(Buffer.compare(new Uint8Array(weights.buffer), new Uint8Array(resident.buffer))).toBe(0);
    expect(backend.peakLoadedBytes).toBeLessThanOrEqual(smallSliceBytes);
    // Four passes over each of the five slices of merged tensors, and some to break ties.
    expect(backend.loadCount).toBeGreaterThanOrEqual(20);
  });
});
