import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariant } from '../../src/core/errors';
import type { ModelInput } from '../../src/engine/model-input';
import { findAdapter } from '../../src/gpu/adapter';
import { GpuBackend } from '../../src/gpu/gpu-backend';
import { memoryFiles } from '../../src/sources/memory-files';
import { openCheckpoint, openWeights } from '../../src/sources/open-checkpoint';
import goldens from '../fixtures/mergekit/recipes.json';
import { compareTensors } from '../unit/goldens/compare-tensors';
import type { Golden, GoldenTensor } from '../unit/goldens/golden-merges';
import { mergeGolden, modelNames, tensorsByRecipe } from '../unit/goldens/golden-merges';
import { complaint, withoutDeviations } from '../unit/goldens/tolerance';

const root = '/test/fixtures/mergekit';

/** Every method on two layouts, and what it makes of 16-bit output. */
const chosen: readonly Golden[] = (goldens as readonly Golden[]).filter(
  ({ id, error }) => error === undefined && /\/(llama|gemma2-bf16|out-\w+)$/.test(id),
);

/**
 * A GPU may contract a product and a sum into one rounding, so float32 results of every method are
 * held to what the others allow for methods with norms: 2^-20 of the largest in the tensor.
 */
const contractedLimit = 2 ** -20;

let gpu: GpuBackend;
let outputs: Map<string, Map<string, GoldenTensor>>;
const opened = new Map<string, Promise<Map<string, ModelInput>>>();

async function fetched(path: string): Promise<Uint8Array | undefined> {
  const answer = await fetch(`${root}/${path}`);
  // Vite answers unknown paths with the page.
  const isFile = answer.ok && answer.headers.get('content-type') !== 'text/html';
  return isFile ? new Uint8Array(await answer.arrayBuffer()) : undefined;
}

async function openModels(folder: string): Promise<Map<string, ModelInput>> {
  const inputs = new Map<string, ModelInput>();
  for (const id of modelNames) {
    const [config, weights] = await Promise.all([
      fetched(`models/${folder}/${id}/config.json`),
      fetched(`models/${folder}/${id}/model.safetensors`),
    ]);
    if (config === undefined || weights === undefined) continue;
    const contents = new Map([
      ['config.json', config],
      ['model.safetensors', weights],
    ]);
    const files = memoryFiles(id, contents);
    inputs.set(id, { id, files, checkpoint: await openCheckpoint(files) });
  }
  return inputs;
}

beforeAll(async () => {
  const adapter = await findAdapter();
  invariant(adapter, 'the test browser has a WebGPU adapter');
  gpu = await GpuBackend.create(adapter);
  const bytes = await fetched('outputs.safetensors');
  invariant(bytes, 'the goldens are served');
  const file = memoryFiles('goldens', new Map([['outputs.safetensors', bytes]])).files.get(
    'outputs.safetensors',
  );
  invariant(file, 'the file is there');
  outputs = await tensorsByRecipe(await openWeights('goldens', file));
});
afterAll(() => {
  gpu.dispose();
});

describe('WebGPU merges as mergekit does', () => {
  it.each(chosen)('$id', async (golden) => {
    const models = opened.get(golden.models) ?? openModels(golden.models);
    opened.set(golden.models, models);
    const wanted = outputs.get(golden.id) ?? new Map<string, GoldenTensor>();
    const found = await mergeGolden(golden.recipe, await models, gpu);
    const difference = compareTensors(found, withoutDeviations(golden, wanted));
    const dtypes = new Set([...found.values()].map(({ dtype }) => dtype));
    const isWithin = dtypes.has('F32') && difference.largestRelative <= contractedLimit;
    if (!isWithin) expect(complaint(golden, difference, dtypes)).toBeUndefined();
  });
});
