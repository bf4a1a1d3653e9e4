import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementCountOf } from '../../../src/core/dtype';
import { planMerge } from '../../../src/engine/plan';
import { parseModelConfig } from '../../../src/formats/model-config';
import { widenFloats } from '../../../src/model/widen-floats';
import { parseRecipes } from '../../../src/recipe/parse-recipe';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { modelSizes, type ModelSize } from '../../../tools/synth/model-shapes';
import {
  pageBytes,
  syntheticFamily,
  type SyntheticModel,
} from '../../../tools/synth/synthetic-model';
import { writeModels } from '../../../tools/synth/write-models';

/** Parameters and shards of the published models. */
const published: Readonly<Record<ModelSize, readonly [parameters: number, shards: number]>> = {
  '135m': [134_515_008, 1],
  '1b': [1_235_814_400, 1],
  'gemma-2b': [2_614_341_888, 2],
  '3b': [3_212_749_824, 2],
};

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const families = new Map<ModelSize, SyntheticModel[]>();

beforeAll(async () => {
  for (const size of modelSizes) {
    families.set(size, await syntheticFamily({ size, modelCount: 2, seed: 1, filled01: 0.2 }));
  }
});

function pairOf(size: ModelSize): [SyntheticModel, SyntheticModel] {
  const [base, tuned] = families.get(size) ?? [];
  if (base === undefined || tuned === undefined) throw new Error(`no models of ${size}`);
  return [base, tuned];
}

async function textOf(model: SyntheticModel, path: string): Promise<Uint8Array> {
  const file = model.files.get(path);
  if (file === undefined) throw new Error(`no ${path}`);
  return file.read(0, file.sizeBytes);
}

describe.each(modelSizes)('a synthetic checkpoint of %s', (size) => {
  it('has the tensors that its config implies, as many parameters and shards as the real one', async () => {
    const [model] = pairOf(size);
    const checkpoint = await openCheckpoint(model);
    const config = parseModelConfig(await textOf(model, 'config.json'), 'config.json');
    const shapeOf = (name: string): readonly number[] | undefined =>
      checkpoint.tensors.get(`${name}.weight`)?.shape;
    const { hiddenSize, intermediateSize, headCount, keyValueHeadCount, headSize } = config;
    expect(shapeOf('model.embed_tokens')).toEqual([config.vocabularySize, hiddenSize]);
    expect(config.tiesEmbeddings && checkpoint.lacksHead).toBe(true);
    const norms = config.modelType === 'gemma2' ? 4 : 2;
    expect(checkpoint.tensors.size).toBe(config.layerCount * (7 + norms) + 2);
    const last = `model.layers.${config.layerCount - 1}`;
    expect(shapeOf(`${last}.self_attn.q_proj`)).toEqual([headCount * headSize, hiddenSize]);
    expect(shapeOf(`${last}.self_attn.v_proj`)).toEqual([keyValueHeadCount * headSize, hiddenSize]);
    expect(shapeOf(`${last}.self_attn.o_proj`)).toEqual([hiddenSize, headCount * headSize]);
    expect(shapeOf(`${last}.mlp.down_proj`)).toEqual([hiddenSize, intermediateSize]);
    const tensors = [...checkpoint.tensors.values()];
    const parameters = tensors.reduce((sum, { shape }) => sum + elementCountOf(shape), 0);
    const shards = [...model.files.keys()].filter((path) => path.endsWith('.safetensors'));
    expect([parameters, shards.length]).toEqual(published[size]);
    for (const path of shards) {
      expect(model.files.get(path)?.sizeBytes).toBeLessThan(5_000_100_000);
    }
  });

  it('can be merged with its siblings', async () => {
    const inputs = new Map();
    for (const files of pairOf(size)) {
      inputs.set(files.label, { id: files.label, files, checkpoint: await openCheckpoint(files) });
    }
    const [read] = parseRecipes(
      'merge_method: ties\nbase_model: base\nmodels: [{model: tuned-1, parameters: {weight: 1, density: 0.5}}]\n',
    );
    if (read === undefined) throw new Error('no recipe');
    const plan = await planMerge(read.recipe, inputs);
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(plan.tensors.every(({ kind }) => kind === 'merge')).toBe(true);
  });
});

describe('the weights of a synthetic family', () => {
  it('differ by small deltas, around 0 in matrices and around 1 in norms', async () => {
    const [base, tuned] = await syntheticFamily({ size: '135m', modelCount: 2, seed: 1 });
    if (base === undefined || tuned === undefined) throw new Error('no models');
    const [from, to] = [await openCheckpoint(base), await openCheckpoint(tuned)];
    const valuesOf = async (reader: typeof from, name: string): Promise<Float32Array> =>
      widenFloats('BF16', await reader.read(name));
    const name = 'model.layers.3.mlp.up_proj.weight';
    const [left, right] = [await valuesOf(from, name), await valuesOf(to, name)];
    const squares = (values: Iterable<number>): number => {
      let sum = 0;
      for (const value of values) sum += value * value;
      return sum;
    };
    const spread = Math.sqrt(squares(left) / left.length);
    const moved = Math.sqrt(
      squares(left.map((value, at) => value - (right[at] ?? 0))) / left.length,
    );
    expect(spread).toBeGreaterThan(0.03);
    expect(spread).toBeLessThan(0.05);
    expect(moved).toBeGreaterThan(1e-5);
    expect(moved).toBeLessThan(spread / 50);
    const norms = await valuesOf(from, 'model.norm.weight');
    expect(norms.reduce((sum, value) => sum + value, 0) / norms.length).toBeCloseTo(1, 1);
  });

  it('gives the same bytes in any pieces, on disk, and again from the same seed', async () => {
    const options = { size: '135m', modelCount: 2, seed: 1, filled01: 0.2 } as const;
    const folder = await mkdtemp(join(tmpdir(), 'mergelab-synth-'));
    folders.push(folder);
    await writeModels(folder, options);
    const [, tuned] = pairOf('135m');
    const file = tuned.files.get('model.safetensors');
    if (file === undefined) throw new Error('no weights');
    const path = join(folder, 'tuned-1', 'model.safetensors');
    const written = await readFile(path);
    expect(written.byteLength).toBe(file.sizeBytes);
    const odd = 3 * pageBytes + 12_345;
    for (let offsetBytes = 0; offsetBytes < file.sizeBytes; offsetBytes += odd) {
      const lengthBytes = Math.min(odd, file.sizeBytes - offsetBytes);
      const piece = await file.read(offsetBytes, lengthBytes);
      const onDisk = written.subarray(offsetBytes, offsetBytes + lengthBytes);
      expect(Buffer.compare(piece, onDisk)).toBe(0);
    }
    const { blocks, size } = await stat(path);
    expect(512 * blocks).toBeLessThan(0.4 * size);
  });
});
