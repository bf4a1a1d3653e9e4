import 'fake-indexeddb/auto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeToMemory } from '../../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../../src/engine/model-input';
import { planMerge } from '../../../../src/engine/plan';
import { CachedFiles } from '../../../../src/sources/cached-files';
import { HubClient } from '../../../../src/sources/hub/hub-client';
import { openCheckpoint } from '../../../../src/sources/open-checkpoint';
import { ReadSession } from '../../../../src/sources/read-session';
import { LabStore } from '../../../../src/store/lab-store';
import { bytesContent, sha256Of } from '../../../hub/content';
import { startHubServer, type HubServer } from '../../../hub/server';
import { CountingBackend, tinyModel, tinyRecipe } from '../../engine/tiny-models';

/** A base and twelve specialists, the most that a kernel takes. */
const names = ['base', ...Array.from({ length: 12 }, (_, index) => `s${index}`)];
/** About fifteen chunks a model, in tensors that begin and end in the middle of them. */
const matrix = { dtype: 'BF16', shape: [300, 201] } as const;
const tensors = Object.fromEntries([
  ...Array.from({ length: 8 }, (_, layer) => [`model.layers.${layer}.mlp.up_proj.weight`, matrix]),
  ['model.norm.weight', { dtype: 'BF16', shape: [201] }],
]) as Readonly<Record<string, typeof matrix>>;
const chunkBytes = 64 << 10;

let hub: HubServer;
let sizeBytes = 0;
/** Of each model's weights. */
let hashes: readonly string[] = [];

beforeAll(async () => {
  const models = await Promise.all(
    names.map(async (name) => {
      const { files } = await tinyModel(name, { tensors });
      const weights = files.files.get('model.safetensors');
      const config = files.files.get('config.json');
      if (weights === undefined || config === undefined) throw new Error('a model has files');
      sizeBytes = weights.sizeBytes;
      const content = bytesContent(await weights.read(0, sizeBytes));
      const contents = new Map([
        ['config.json', bytesContent(await config.read(0, config.sizeBytes))],
        ['model.safetensors', content],
      ]);
      return { repo: `lab/${name}`, files: contents, weights: content };
    }),
  );
  hashes = await Promise.all(models.map(async ({ weights }) => sha256Of(weights)));
  hub = await startHubServer({ models });
});
afterAll(async () => {
  await hub.close();
});

/** How often bytes of each model's weights were fetched since the last call, at most. */
function timesFetched(): number[] {
  const most = hashes.map((hash) => {
    const times = new Uint8Array(sizeBytes);
    for (const { at, path, headers } of hub.requests) {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (at !== 'cdn' || !path.includes(hash)) continue;
      const end = Number(last ?? sizeBytes - 1);
      for (let place = Number(first ?? 0); place <= end; place++) {
        times[place] = (times[place] ?? 0) + 1;
      }
    }
    return times.reduce((top, count) => Math.max(top, count), 0);
  });
  hub.forgetRequests();
  return most;
}

async function openThrough(
  store: LabStore,
  budgetBytes: number,
): Promise<{ inputs: ModelInputs; settle: () => Promise<void> }> {
  const client = new HubClient({ endpoint: hub.url });
  const session = new ReadSession(budgetBytes);
  const inputs = new Map(
    await Promise.all(
      names.map(async (id) => {
        const model = await client.open(`lab/${id}`, 'main');
        const options = { modelId: id, fileKeys: model.fileKeys };
        const files = new CachedFiles(model, store, options, session);
        return [id, { id, files, checkpoint: await openCheckpoint(files) }] as const;
      }),
    ),
  );
  return { inputs, settle: async () => session.settle() };
}

/** One pass over all weights, slice by slice, a slice being a part of a chunk. */
async function pass(inputs: ModelInputs): Promise<void> {
  const weights = Object.fromEntries(names.slice(1).map((name) => [name, 0.1]));
  const plan = await planMerge(tinyRecipe('task_arithmetic', weights), inputs);
  const backend = new CountingBackend(13 * 2 * 16384);
  await mergeToMemory(plan, backend, 'm');
  backend.dispose();
}

describe('thirteen models of a hub, read together', () => {
  it('fetch every byte once and keep it for the next pass', async () => {
    const store = new LabStore({ name: 'read-once-keep', pieceBytes: chunkBytes });
    const budgetBytes = 13 * 2 * chunkBytes;
    const first = await openThrough(store, budgetBytes);
    hub.forgetRequests();
    await pass(first.inputs);
    await first.settle();
    expect(timesFetched()).toEqual(names.map(() => 1));
    const second = await openThrough(store, budgetBytes);
    hub.forgetRequests();
    await pass(second.inputs);
    expect(timesFetched()).toEqual(names.map(() => 0));
    await store.close();
  });

  it('fetch every byte once where memory holds few of their chunks', async () => {
    const store = new LabStore({ name: 'read-once-little', pieceBytes: chunkBytes });
    const { inputs, settle } = await openThrough(store, 4 * chunkBytes);
    hub.forgetRequests();
    await pass(inputs);
    await settle();
    expect(timesFetched()).toEqual(names.map(() => 1));
    await store.close();
  });
});
