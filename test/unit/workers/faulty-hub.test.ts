import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { LabError, sentenceOf } from '../../../src/core/errors';
import { sha256Hex } from '../../../src/formats/hashes';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { storedModel } from '../../../src/sources/cached-files';
import { LabStore } from '../../../src/store/lab-store';
import { carryOutRun } from '../../../src/workers/carry-out-run';
import { PlaceOpener } from '../../../src/workers/place-opener';
import { RunMeter } from '../../../src/workers/run-meter';
import type { RunEntry } from '../../../src/workers/run-records';
import { runModelId } from '../../../src/workers/stored-slot';
import { bytesContent } from '../../hub/content';
import type { Fault, FaultAction } from '../../hub/faults';
import type { HubTestModel } from '../../hub/repos';
import { startHubServer, type HubServer } from '../../hub/server';

/** Chunks are much smaller than the files: five of 256 KiB. */
const pieceBytes = 1 << 18;
const shape = [640, 512];

function modelOf(name: string, seed: number): HubTestModel {
  const tensors = ['model.embed_tokens.weight', 'model.layers.0.mlp.up_proj.weight'].map(
    (title, place) => {
      const values = Uint16Array.from(
        { length: 640 * 512 },
        (_, index) => 0x3c00 + ((index * (7 + seed) + place) % 0x180),
      );
      return { name: title, dtype: 'BF16', shape, bytes: new Uint8Array(values.buffer) } as const;
    },
  );
  return {
    repo: `lab/${name}`,
    files: new Map([
      ['config.json', bytesContent('{"architectures":["LlamaForCausalLM"],"model_type":"llama"}')],
      ['model.safetensors', bytesContent(encodeSafetensors(tensors))],
    ]),
  };
}

const entryOf = (id: string): RunEntry => ({
  id,
  title: 'A run',
  recipeHash: '',
  createdAtMs: 0,
  request: {
    title: 'A run',
    recipeText:
      'merge_method: linear\nmodels:\n  - {model: one, parameters: {weight: 1}}\n  - {model: two, parameters: {weight: 1}}\ndtype: bfloat16\n',
    models: ['one', 'two'].map((name) => ({
      id: name,
      place: { kind: 'hub', repo: `lab/${name}`, revision: 'main' },
    })),
    output: 'checkpoint',
    to: 'store',
    caching: 'keep',
    budgetBytes: 1.5e9,
  },
});

let hub: HubServer;
let store: LabStore;
let runCount = 0;
/** SHA-256 by path, of a run that nothing disturbed. */
let undisturbed: ReadonlyMap<string, string>;

/** @returns names of files that could not be checked */
async function run(id: string, caching: 'keep' | 'stream' = 'keep'): Promise<readonly string[]> {
  const opener = new PlaceOpener({ store, zooUrl: '', hub: { endpoint: hub.url }, caching });
  const meter = new RunMeter(0, () => undefined);
  const unproven: string[] = [];
  await carryOutRun(entryOf(id), {
    store,
    opener,
    meter,
    backend: 'wasm',
    onUnproven: (names) => unproven.push(...names),
  });
  return unproven;
}

/** Undefined until the output is whole. */
async function outputOf(id: string): Promise<ReadonlyMap<string, string> | undefined> {
  const model = await storedModel(store, runModelId(id));
  if (model === undefined) return undefined;
  const digests = new Map<string, string>();
  for (const [path, file] of model.files) {
    digests.set(path, await sha256Hex(await file.read(0, file.sizeBytes)));
  }
  return digests;
}

/** With nothing of the models stored. */
function freshStore(): string {
  runCount += 1;
  store = new LabStore({ name: `faulty-hub-${runCount}`, pieceBytes });
  return `run-${runCount}`;
}

beforeAll(async () => {
  // Back-off is uniform in [0, cap): this is its lower end, so nothing waits.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  hub = await startHubServer({ models: [modelOf('one', 1), modelOf('two', 2)] });
  const id = freshStore();
  await run(id);
  undisturbed = (await outputOf(id)) ?? new Map();
  expect([...undisturbed.keys()]).toContain('model.safetensors');
});
afterEach(async () => {
  hub.setFaults([]);
  await store.close();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await hub.close();
});

const passing: readonly [string, FaultAction, number][] = [
  ['connections dropped before the first byte', { kind: 'drop', afterBytes: 0 }, 3],
  ['connections dropped on the way', { kind: 'drop', afterBytes: 100_000 }, 4],
  ['bodies that end early', { kind: 'truncate', afterBytes: 70_000 }, 3],
  ['too small a Content-Length', { kind: 'wrong-length', extraBytes: -40_000 }, 2],
  ['too large a Content-Length', { kind: 'wrong-length', extraBytes: 50 }, 2],
  ['other ranges than asked for', { kind: 'wrong-range' }, 2],
  ['status 429', { kind: 'status', status: 429 }, 3],
  ['status 500', { kind: 'status', status: 500 }, 3],
  ['signed addresses that are refused', { kind: 'status', status: 403 }, 2],
  ['no ranges', { kind: 'no-ranges' }, Infinity],
  ['compression in between', { kind: 'gzip', isAlways: true }, Infinity],
  ['a slow line', { kind: 'slow', bytesPerSecond: 20_000_000 }, Infinity],
];

const lasting: readonly [string, Fault, string][] = [
  ['drops', { at: 'cdn', action: { kind: 'drop', afterBytes: 0 } }, 'hub/unavailable'],
  ['truncation', { at: 'cdn', action: { kind: 'truncate', afterBytes: 0 } }, 'hub/unavailable'],
  [
    'a wrong length',
    { at: 'cdn', action: { kind: 'wrong-length', extraBytes: -200_000 } },
    'hub/unavailable',
  ],
  ['a wrong range', { at: 'cdn', action: { kind: 'wrong-range' } }, 'hub/unavailable'],
  ['a wrong hash', { at: 'cdn', action: { kind: 'wrong-bytes' }, after: 4 }, 'hub/wrong-hash'],
  ['another ETag', { at: 'cdn', action: { kind: 'etag', etag: 'new' }, after: 4 }, 'hub/changed'],
  ['status 401', atResolve({ kind: 'status', status: 401 }), 'hub/gated'],
  ['status 403', atResolve({ kind: 'status', status: 403 }), 'hub/gated'],
  ['status 404', atResolve({ kind: 'status', status: 404 }), 'hub/not-found'],
  ['status 429', { action: { kind: 'status', status: 429 } }, 'hub/rate-limited'],
  ['status 500', { action: { kind: 'status', status: 500 } }, 'hub/unavailable'],
  ['a redirect loop', atResolve({ kind: 'redirect-loop' }), 'hub/unavailable'],
];

function atResolve(action: FaultAction): Fault {
  return { at: 'hub', match: /resolve.*safetensors/, action };
}

describe('a run from a faulty Hub', () => {
  it.each(passing)('ends with the same bytes after %s', async (_name, action, times) => {
    const id = freshStore();
    hub.setFaults([{ at: 'cdn', action, times }]);
    await run(id);
    expect(await outputOf(id)).toEqual(undisturbed);
  });

  it.each(lasting)('ends with one coded error through %s, and goes on after', async (...given) => {
    const [, fault, code] = given;
    const id = freshStore();
    hub.setFaults([fault]);
    const error = await run(id).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error instanceof LabError ? error.code : sentenceOf(error)).toBe(code);
    // Which model it is about, and what to do.
    expect(sentenceOf(error)).toMatch(/lab\/(?:one|two).*(?:try again|open|sign in|correct)/s);
    expect(await outputOf(id)).toBeUndefined();
    hub.setFaults([]);
    await run(id);
    expect(await outputOf(id)).toEqual(undisturbed);
  });

  it.each([3, 4, 5, 6, 7, 8])(
    'stores nothing of models that stream, and takes none of a wrong one (part %s)',
    async (after) => {
      const id = freshStore();
      hub.setFaults([{ at: 'cdn', action: { kind: 'wrong-bytes' }, after, times: 1 }]);
      await expect(run(id, 'stream')).rejects.toMatchObject({ code: 'hub/wrong-hash' });
      expect(await outputOf(id)).toBeUndefined();
      expect(await run(id, 'stream')).toEqual([]);
      expect(await outputOf(id)).toEqual(undisturbed);
      expect((await store.contents()).models.map(({ kind }) => kind)).toEqual(['merge']);
    },
  );
});
