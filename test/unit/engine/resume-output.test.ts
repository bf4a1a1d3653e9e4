import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { describeOutput } from '../../../src/engine/output-files';
import { planMerge } from '../../../src/engine/plan';
import { RunJournal } from '../../../src/engine/run-journal';
import { saveToStore } from '../../../src/engine/store-sink';
import type { ModelInputs } from '../../../src/engine/model-input';
import type { Recipe } from '../../../src/recipe/recipe';
import { storedModel } from '../../../src/sources/cached-files';
import { LabStore } from '../../../src/store/lab-store';
import { contentsOf, outputOf } from './output-contents';
import { CountingBackend, tinyModels, tinyRecipe } from './tiny-models';

const pieceBytes = 24_989;
const maxShardBytes = 50_000;
let databaseCount = 0;
const backend = new CountingBackend();

/** Stores so many chunks; then every write fails as a killed tab's would, or as on a full disk. */
class FailingStore extends LabStore {
  constructor(name: string, chunkCount: number, isFull = false) {
    super({ name, pieceBytes });
    const { files } = this;
    const write = files.writeChunk.bind(files);
    let storedCount = 0;
    files.writeChunk = async (...given) => {
      if (storedCount >= chunkCount && isFull) return false;
      if (storedCount >= chunkCount) throw new Error('the tab was killed');
      storedCount += 1;
      return write(...given);
    };
  }
}

/** What a run worker does, without its worker: begins or goes on. */
async function carryOut(
  store: LabStore,
  inputs: ModelInputs,
  recipe: Recipe,
): Promise<{ keptBytes: number; madeBytes: number }> {
  const who = { identity: 'x', backend: 'wasm', device: 'one counted thread' } as const;
  const memory =
    (await RunJournal.find(store, 'run')) ?? (await RunJournal.begin(store, 'run', who));
  const plan = await planMerge(recipe, inputs);
  const files = describeOutput(plan, backend, { title: 'my-merge', maxShardBytes, memory });
  let [keptBytes, madeBytes] = [0, 0];
  await saveToStore(files, store, 'run/1', 'my-merge', {
    journal: memory,
    onStored: (bytes, wasKept) => {
      if (wasKept) keptBytes += bytes;
      else madeBytes += bytes;
    },
  });
  return { keptBytes, madeBytes };
}

async function savedContents(store: LabStore): Promise<Map<string, Uint8Array>> {
  const model = await storedModel(store, 'run/1');
  const contents = new Map<string, Uint8Array>();
  for (const [path, file] of model?.files ?? []) {
    contents.set(path, await file.read(0, file.sizeBytes));
  }
  return contents;
}

/** Comparing bytes one by one takes longer than merging them. */
function hashesOf(contents: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const hashes = [...contents].map(([path, bytes]) => [
    path,
    createHash('sha256').update(bytes).digest('hex'),
  ]);
  return Object.fromEntries(hashes) as Record<string, string>;
}

const density = { parameters: { density: 0.4, weight: 0.7 } };
const both = [
  { model: 'a', ...density },
  { model: 'b', ...density },
];

const recipes: Readonly<Record<string, Recipe>> = {
  task_arithmetic: tinyRecipe('task_arithmetic', { a: 0.5, b: 1 }),
  ties: tinyRecipe('ties', {}, { models: both }),
  dare_ties: tinyRecipe('dare_ties', {}, { models: both }),
  della: tinyRecipe('della', {}, { models: both }),
  mb_ties: tinyRecipe('mb_ties', {}, { models: both }),
};

describe('an output that was interrupted', () => {
  it.each(Object.entries(recipes))('goes on at every chunk of %s', async (_name, recipe) => {
    const inputs = await tinyModels('base', 'a', 'b');
    const expected = await contentsOf(await outputOf(inputs, recipe, { maxShardBytes }));
    const totalBytes = [...expected.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (let chunkCount = 0; ; chunkCount++) {
      const name = `resume-${++databaseCount}`;
      const killed = await carryOut(new FailingStore(name, chunkCount), inputs, recipe).catch(
        (error: unknown) => error,
      );
      const store = new LabStore({ name, pieceBytes });
      if (!(killed instanceof Error)) {
        expect(chunkCount).toBeGreaterThan(8);
        break;
      }
      expect(killed.message).toBe('the tab was killed');
      expect(await storedModel(store, 'run/1')).toBeUndefined();
      const { keptBytes, madeBytes } = await carryOut(store, inputs, recipe);
      expect(hashesOf(await savedContents(store))).toEqual(hashesOf(expected));
      expect(keptBytes + madeBytes).toBe(totalBytes);
      expect(keptBytes > 0).toBe(chunkCount > 0);
      await store.close();
    }
  });

  it('goes on when there is room again, and makes damaged chunks anew', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const { ties: recipe = tinyRecipe('ties', {}) } = recipes;
    const expected = await contentsOf(await outputOf(inputs, recipe, { maxShardBytes }));
    const name = `resume-${++databaseCount}`;
    await expect(carryOut(new FailingStore(name, 7, true), inputs, recipe)).rejects.toMatchObject({
      code: 'store/quota',
    });
    const store = new LabStore({ name, pieceBytes });
    // A small file that was complete, and the first chunk of the one that was being written.
    for (const path of ['mergekit_config.yml', 'model-00001-of-00003.safetensors']) {
      await damageFirstChunk(name, `run/1/${path}`);
    }
    await carryOut(store, inputs, recipe);
    expect(hashesOf(await savedContents(store))).toEqual(hashesOf(expected));
    await store.close();
  });
});

async function damageFirstChunk(name: string, fileKey: string): Promise<void> {
  const database = await openDB(name);
  const chunk = (await database.get('chunks', [fileKey, 0])) as { bytes: ArrayBuffer } | undefined;
  if (chunk === undefined) throw new Error(`${fileKey} has no chunk`);
  const bytes = new Uint8Array(chunk.bytes.slice(0));
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  await database.put('chunks', { ...chunk, bytes: bytes.buffer });
  database.close();
}
