import { deleteDB, openDB } from 'idb';
import { afterEach, describe, expect, it } from 'vitest';
import type { LabError } from '../../src/core/errors';
import { CachedFiles } from '../../src/sources/cached-files';
import { memoryFiles } from '../../src/sources/memory-files';
import { FileWriter } from '../../src/store/file-writer';
import { LabStore } from '../../src/store/lab-store';
import { noise } from '../../src/store/noise';

let databaseCount = 0;
let name = '';
const stores: LabStore[] = [];
const problems: LabError[] = [];

/** Another connection to the test's database, as another visit or tab would have. */
function openStore(pieceBytes?: number): LabStore {
  const store = new LabStore({
    name,
    ...(pieceBytes === undefined ? {} : { pieceBytes }),
    onProblem: (error) => problems.push(error),
  });
  stores.push(store);
  return store;
}

function freshStore(pieceBytes?: number): LabStore {
  databaseCount += 1;
  name = `browser-store-${databaseCount}`;
  problems.length = 0;
  return openStore(pieceBytes);
}

/** Where two byte arrays differ first; -1 when they are equal. `toEqual` takes minutes on these. */
function firstDifference(a: Uint8Array | undefined, b: Uint8Array): number {
  if (a?.byteLength !== b.byteLength) return 0;
  return a.findIndex((byte, index) => byte !== b[index]);
}

afterEach(async () => {
  await Promise.all(stores.splice(0).map(async (store) => store.close()));
  await deleteDB(name);
});

describe('the store in real IndexedDB', () => {
  it('keeps a file of several full-size chunks for the next visit', async () => {
    const content = noise((40 << 20) + 3);
    const source = memoryFiles('m', new Map([['model.safetensors', content]]));
    const options = { modelId: 'm', fileKeys: new Map([['model.safetensors', 'k']]) };
    const store = freshStore();
    await new CachedFiles(source, store, options).prefetch();
    await store.close();
    const offline = {
      label: 'm',
      files: new Map([
        [
          'model.safetensors',
          {
            path: 'model.safetensors',
            sizeBytes: content.byteLength,
            read: () => Promise.reject(new Error('offline')),
          },
        ],
      ]),
    };
    const file = new CachedFiles(offline, openStore(), options).files.get('model.safetensors');
    const across = await file?.read((16 << 20) - 5, (16 << 20) + 10);
    expect(firstDifference(across, content.slice((16 << 20) - 5, (32 << 20) + 5))).toBe(-1);
    expect((await file?.read((40 << 20) - 1, 4))?.at(-1)).toBe(content.at(-1));
  });

  it('has no file whose write was interrupted', async () => {
    const store = freshStore(1 << 20);
    const writer = new FileWriter(store.files, 'k', 3 << 20);
    await writer.write(noise(5 << 19));
    await expect.poll(async () => store.files.storedChunkCount('k', 3 << 20)).toBe(2);
    // As if the tab had been closed here: another visit sees the chunks but no file.
    await store.close();
    const later = openStore(1 << 20);
    expect(await later.files.has('k')).toBe(false);
    expect(await later.files.readChunk('k', 3 << 20, 1)).toBeDefined();
    expect(await later.files.readChunk('k', 3 << 20, 2)).toBeUndefined();
  });

  it('detects a damaged chunk and drops it', async () => {
    const store = freshStore(1 << 20);
    const writer = new FileWriter(store.files, 'k', 2 << 20);
    await writer.write(noise(2 << 20));
    await writer.finish();
    const raw = await openDB(name);
    const chunk = (await raw.get('chunks', ['k', 1])) as { bytes: ArrayBuffer };
    const bytes = new Uint8Array(chunk.bytes);
    bytes[12345] = (bytes[12345] ?? 0) ^ 1;
    await raw.put('chunks', chunk);
    raw.close();
    await expect(store.files.readChunk('k', 2 << 20, 1)).rejects.toMatchObject({
      code: 'store/corrupt',
    });
    expect(await store.files.has('k')).toBe(false);
    expect(await store.files.readChunk('k', 2 << 20, 1)).toBeUndefined();
    expect(await store.files.readChunk('k', 2 << 20, 0)).toBeDefined();
  });

  it('opens again after its connection was closed and its database deleted', async () => {
    const store = freshStore(1 << 20);
    await store.files.writeChunk('k', 4, 0, noise(4));
    // `deleteDB` asks every connection to close, which a second tab that clears its data does too.
    await deleteDB(name);
    expect(await store.files.has('k')).toBe(false);
    await store.files.writeChunk('k', 4, 0, noise(4));
    expect(await store.files.has('k')).toBe(true);
    expect(problems).toEqual([]);
  });

  it('makes way for a newer version in another tab and says that it must be reloaded', async () => {
    const store = freshStore(1 << 20);
    expect(await store.isAvailable()).toBe(true);
    const newer = await openDB(name, 99);
    expect(await store.files.writeChunk('k', 4, 0, noise(4))).toBe(false);
    expect(await store.isAvailable()).toBe(false);
    expect(problems.map((problem) => problem.code)).toEqual(['store/denied']);
    expect(problems[0]?.message).toContain('reload');
    newer.close();
  });

  it('lets two connections write the same file at once', async () => {
    const one = freshStore(1 << 20);
    const two = openStore(1 << 20);
    const content = noise(3 << 20);
    await Promise.all(
      [one, two].map(async (store) => {
        const writer = new FileWriter(store.files, 'k', 3 << 20);
        await writer.write(content);
        await writer.finish();
      }),
    );
    expect(await one.files.has('k')).toBe(true);
    const last = await two.files.readChunk('k', 3 << 20, 2);
    expect(firstDifference(last, content.slice(2 << 20))).toBe(-1);
  });

  it('goes on uncached when the quota is reached, with the numbers', async () => {
    // A storage bucket with its own quota: really full, without filling the disk.
    const bucket = await storageBuckets().open('small', { quota: 3 << 20 });
    await withIndexedDb(bucket.indexedDB, async () => {
      const store = freshStore(4 << 20);
      const content = noise(9 << 20);
      const source = memoryFiles('m', new Map([['w', content]]));
      const options = { modelId: 'm', fileKeys: new Map([['w', 'k']]) };
      const told: LabError[] = [];
      const onProblem = (error: LabError): void => void told.push(error);
      const cache = new CachedFiles(source, store, { ...options, onProblem });
      for (let round = 0; round < 2; round++) {
        const read = await cache.files.get('w')?.read(0, 9 << 20);
        expect(firstDifference(read, content)).toBe(-1);
        await cache.settle();
      }
      // The first chunk did not fit; no other was tried.
      expect(told.map((problem) => problem.code)).toEqual(['store/quota']);
      expect(problems.map((problem) => problem.code)).toEqual(['store/quota']);
      expect(problems[0]?.details).toMatchObject({ neededBytes: 4 << 20 });
      expect(problems[0]?.details['quotaBytes']).toBeGreaterThan(0);
      expect(await store.files.has('k')).toBe(false);
      const writer = new FileWriter(store.files, 'merge', 4 << 20);
      await writer.write(noise(4 << 20));
      await expect(writer.finish()).rejects.toMatchObject({ code: 'store/quota' });
      await writer.abort();
      await store.files.remove('k');
      expect(await store.files.writeChunk('k', 1 << 20, 0, noise(1 << 20))).toBe(true);
      expect(await store.files.has('k')).toBe(true);
      await store.close();
    });
    await storageBuckets().delete('small');
  });

  it('works from memory where the document may not store', async () => {
    await withIndexedDb(await deadDocumentFactory(), async () => {
      const store = freshStore();
      const source = memoryFiles('m', new Map([['w', noise(100)]]));
      const options = { modelId: 'm', fileKeys: new Map([['w', 'k']]) };
      const cache = new CachedFiles(source, store, options);
      expect(await cache.files.get('w')?.read(0, 100)).toEqual(noise(100));
      await cache.prefetch();
      expect(await store.isAvailable()).toBe(false);
      expect(problems.map((problem) => problem.code)).toEqual(['store/denied']);
    });
  });
});

/** Chromium's Storage Buckets API, which TypeScript's library does not know yet. */
interface StorageBuckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

function storageBuckets(): StorageBuckets {
  return (navigator as unknown as { storageBuckets: StorageBuckets }).storageBuckets;
}

/** Runs `body` with another factory in place of the global one. */
async function withIndexedDb(factory: IDBFactory, body: () => Promise<void>): Promise<void> {
  const real = indexedDB;
  Object.defineProperty(globalThis, 'indexedDB', { value: factory, configurable: true });
  try {
    await body();
  } finally {
    Object.defineProperty(globalThis, 'indexedDB', { value: real, configurable: true });
  }
}

/** The `indexedDB` of a document that was taken out of the page: the browser refuses to open it. */
async function deadDocumentFactory(): Promise<IDBFactory> {
  const frame = document.createElement('iframe');
  document.body.append(frame);
  const factory = frame.contentWindow?.indexedDB;
  frame.remove();
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (factory === undefined) throw new Error('the frame has no indexedDB');
  return factory;
}
