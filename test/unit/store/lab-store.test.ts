import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import type { LabError } from '../../../src/core/errors';
import { FileWriter } from '../../../src/store/file-writer';
import { LabStore } from '../../../src/store/lab-store';

let databaseCount = 0;

function openStore(onProblem?: (error: LabError) => void): LabStore {
  databaseCount += 1;
  return new LabStore({ name: `test-${databaseCount}`, pieceBytes: 10, onProblem });
}

const bytesOf = (sizeBytes: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(sizeBytes).map((_, index) => index + 1);

async function writeFile(store: LabStore, key: string, sizeBytes: number): Promise<void> {
  const writer = new FileWriter(store.files, key, sizeBytes);
  await writer.write(bytesOf(sizeBytes));
  await writer.finish();
}

describe('FileStore', () => {
  it.each([0, 1, 9, 10, 11, 25, 30])('keeps a file of %d bytes', async (sizeBytes) => {
    const store = openStore();
    await writeFile(store, 'k', sizeBytes);
    expect(await store.files.has('k')).toBe(true);
    const read: number[] = [];
    for (let index = 0; index * 10 < sizeBytes; index++) {
      read.push(...((await store.files.readChunk('k', sizeBytes, index)) ?? []));
    }
    expect(read).toEqual([...bytesOf(sizeBytes)]);
  });

  it('has a file only when its last missing chunk is there, in any order', async () => {
    const store = openStore();
    for (const index of [2, 0]) {
      await store.files.writeChunk('k', 25, index, bytesOf(index === 2 ? 5 : 10));
      expect(await store.files.has('k')).toBe(false);
    }
    await store.files.writeChunk('k', 25, 1, bytesOf(10));
    expect(await store.files.has('k')).toBe(true);
  });

  it('starts over when the size under a key changes', async () => {
    const store = openStore();
    await writeFile(store, 'k', 25);
    expect(await store.files.readChunk('k', 24, 0)).toBeUndefined();
    await store.files.writeChunk('k', 15, 1, bytesOf(5));
    expect(await store.files.has('k')).toBe(false);
    expect(await store.files.readChunk('k', 15, 0)).toBeUndefined();
  });

  it('leaves nothing of an aborted write', async () => {
    const store = openStore();
    const writer = new FileWriter(store.files, 'k', 25);
    await writer.write(bytesOf(22));
    await expect.poll(async () => store.files.readChunk('k', 25, 1)).toBeDefined();
    await writer.abort();
    expect(await store.files.readChunk('k', 25, 1)).toBeUndefined();
    expect(await store.files.has('k')).toBe(false);
  });

  it('refuses to finish a file that lacks bytes', async () => {
    const store = openStore();
    const writer = new FileWriter(store.files, 'k', 25);
    await writer.write(bytesOf(22));
    await expect(writer.finish()).rejects.toThrow(/as many bytes/);
    await expect(writer.write(bytesOf(4))).rejects.toThrow(/no more bytes/);
  });
});

describe('LabStore', () => {
  it('lists models and deletes only the files that no other model uses', async () => {
    const store = openStore();
    const file = (key: string, sizeBytes: number): object => ({ path: key, key, sizeBytes });
    await writeFile(store, 'own', 25);
    await writeFile(store, 'shared', 15);
    const model = { label: 'L', kind: 'cache' } as const;
    const records = [
      { ...model, id: 'a', files: [file('own', 25), file('shared', 15)] },
      { ...model, id: 'b', files: [file('shared', 15), file('absent', 5)] },
    ] as unknown as Parameters<LabStore['putModel']>[0][];
    for (const record of records) await store.putModel(record);
    const before = await store.contents();
    expect(before.models).toMatchObject([
      { id: 'a', storedBytes: 40, isComplete: true },
      { id: 'b', storedBytes: 15, isComplete: false },
    ]);
    expect(before.fileBytes).toBe(40);
    await store.deleteModel('a');
    expect(await store.files.has('own')).toBe(false);
    expect(await store.files.readChunk('own', 25, 0)).toBeUndefined();
    expect(await store.files.has('shared')).toBe(true);
    await store.clear();
    expect(await store.contents()).toMatchObject({ models: [], fileBytes: 0, isAvailable: true });
  });

  it('keeps scores by model, items and dtype, across connections', async () => {
    const store = openStore();
    const score = { modelHash: 'm', itemSetHash: 'i', dtype: 'q8', updatedAtMs: 1 };
    await store.scores.put({ ...score, data: { passed: 3 } });
    await store.scores.put({ ...score, dtype: 'fp32', data: { passed: 4 } });
    await store.close();
    expect((await store.scores.get(['m', 'i', 'q8']))?.data).toEqual({ passed: 3 });
    expect(await store.scores.get(['m', 'x', 'q8'])).toBeUndefined();
    expect(await store.scores.list()).toHaveLength(2);
    await store.scores.remove(['m', 'i', 'q8']);
    expect(await store.scores.list()).toHaveLength(1);
  });
});

describe('LabStore without storage', () => {
  /** Runs `body` while `indexedDB.open` fails as it does where site data is blocked. */
  async function withDeniedStorage(body: () => Promise<void>): Promise<void> {
    const real = indexedDB;
    const denied = {
      open: () => {
        throw new DOMException('access is denied for this document', 'SecurityError');
      },
    };
    Object.defineProperty(globalThis, 'indexedDB', { value: denied, configurable: true });
    try {
      await body();
    } finally {
      Object.defineProperty(globalThis, 'indexedDB', { value: real, configurable: true });
    }
  }

  it('says so once and goes on from memory', async () => {
    await withDeniedStorage(async () => {
      const problems: LabError[] = [];
      const store = openStore((error) => problems.push(error));
      const outcomes = await Promise.all([
        store.files.writeChunk('k', 5, 0, bytesOf(5)),
        store.files.has('k'),
        store.isAvailable(),
      ]);
      expect(outcomes).toEqual([false, false, false]);
      const score = { modelHash: 'm', itemSetHash: 'i', dtype: 'q8', updatedAtMs: 1, data: 7 };
      await store.scores.put(score);
      expect(await store.scores.get(['m', 'i', 'q8'])).toEqual(score);
      expect(await store.scores.list()).toEqual([score]);
      expect(await store.contents()).toMatchObject({ isAvailable: false, models: [] });
      await store.deleteModel('x');
      await store.clear();
      expect(await store.scores.list()).toEqual([]);
      expect(problems.map((problem) => problem.code)).toEqual(['store/denied']);
      const writer = new FileWriter(store.files, 'k', 5);
      await writer.write(bytesOf(5));
      await expect(writer.finish()).rejects.toMatchObject({ code: 'store/denied' });
    });
  });
});
