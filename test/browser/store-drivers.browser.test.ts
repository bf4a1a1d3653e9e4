import * as Comlink from 'comlink';
import { deleteDB } from 'idb';
import { afterEach, describe, expect, it } from 'vitest';
import { FileWriter } from '../../src/store/file-writer';
import { LabStore } from '../../src/store/lab-store';
import type { DriverId } from '../../src/store/schema';
import { sha256Hex } from '../../src/formats/hashes';
import { noise, type StoreWorker } from './fixtures/store.worker';

const pieceBytes = 1 << 18;
const sizeBytes = 3 * pieceBytes + 5;
const content = noise(sizeBytes);

let storeCount = 0;
let name = '';
const workers: Worker[] = [];

interface Context {
  readonly worker: Worker;
  readonly store: Comlink.Remote<StoreWorker>;
}

/** A worker with a store of its own on the test's database. */
async function openContext(chunkBytes = pieceBytes): Promise<Context> {
  const worker = new Worker(new URL('./fixtures/store.worker.ts', import.meta.url), {
    type: 'module',
  });
  workers.push(worker);
  const Remote = Comlink.wrap<new (name: string, pieceBytes: number) => StoreWorker>(worker);
  return { worker, store: await new Remote(name, chunkBytes) };
}

async function freshContext(chunkBytes = pieceBytes): Promise<Context> {
  storeCount += 1;
  name = `drivers-${storeCount}`;
  return openContext(chunkBytes);
}

const chunkOf = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.slice(index * pieceBytes, (index + 1) * pieceBytes);

/** `toEqual` takes long on so many bytes. */
function isSame(a: Uint8Array | string, b: Uint8Array): boolean {
  return (
    typeof a !== 'string' &&
    a.byteLength === b.byteLength &&
    a.every((byte, index) => byte === b[index])
  );
}

const cacheModel = (id: string, key: string): Parameters<StoreWorker['putModel']>[0] => ({
  id,
  label: id,
  kind: 'cache',
  files: [{ path: 'w', key, sizeBytes }],
});

afterEach(async () => {
  const last = await openContext();
  await last.store.close();
  for (const worker of workers.splice(0)) worker.terminate();
  await deleteDB(name);
});

describe.each<DriverId>(['indexeddb', 'opfs'])('chunks by the driver %s', (driver) => {
  it('come back in another context, also in shared memory', async () => {
    const { store } = await freshContext();
    await store.writeFile('a/b:c', content, driver);
    const other = await openContext();
    expect(await other.store.has('a/b:c')).toBe(true);
    for (let index = 0; index < 4; index++) {
      const bytes = await other.store.readChunk('a/b:c', sizeBytes, index);
      expect(isSame(bytes, chunkOf(content, index))).toBe(true);
    }
    const shared = await other.store.readShared('a/b:c', sizeBytes, 1);
    expect(isSame(shared.subarray(16, 16 + pieceBytes), chunkOf(content, 1))).toBe(true);
    expect((await other.store.contents()).fileBytes).toBe(sizeBytes);
    expect((await other.store.privateFiles().catch(() => [])).length).toBe(
      driver === 'opfs' ? 1 : 0,
    );
    // The page reads what workers wrote.
    const page = new LabStore({ name, pieceBytes });
    expect(await page.files.readChunk('a/b:c', sizeBytes, 3)).toEqual(chunkOf(content, 3));
    await page.close();
    await other.store.remove('a/b:c');
    expect(await other.store.privateFiles().catch(() => [])).toEqual([]);
  });

  it('are trusted only when they were complete, at whatever moment their worker died', async () => {
    await freshContext();
    const moments = [2, 8, 18, 32];
    for (const [round, milliseconds] of moments.entries()) {
      const doomed = await openContext();
      const key = `round-${round}`;
      const written = doomed.store.writeFile(key, content, driver);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      doomed.worker.terminate();
      void written;
      const { store } = await openContext();
      const count = await store.storedChunkCount(key, sizeBytes);
      for (let index = 0; index < 4; index++) {
        const bytes = await store.readChunk(key, sizeBytes, index);
        if (index >= count) expect(bytes).toBe('missing');
        else expect(isSame(bytes, chunkOf(content, index))).toBe(true);
      }
      expect(await store.has(key)).toBe(count === 4);
      // The next attempt goes on where that one died.
      for (let index = count; index < 4; index++) {
        expect(await store.writeChunk(key, sizeBytes, index, chunkOf(content, index), driver)).toBe(
          true,
        );
      }
      expect(await store.has(key)).toBe(true);
    }
  });

  it('are dropped one by one when they are damaged', async () => {
    const { store } = await freshContext();
    await store.writeFile('k', content, driver);
    await damage(store, driver, 'k', 2);
    expect(await store.readChunk('k', sizeBytes, 2)).toBe('store/corrupt');
    expect(await store.readChunk('k', sizeBytes, 2)).toBe('missing');
    expect(await store.has('k')).toBe(false);
    expect(isSame(await store.readChunk('k', sizeBytes, 3), chunkOf(content, 3))).toBe(true);
    expect(await store.storedChunkCount('k', sizeBytes)).toBe(2);
    expect(await store.writeChunk('k', sizeBytes, 2, chunkOf(content, 2), driver)).toBe(true);
    expect(await store.has('k')).toBe(true);
  });

  it('make a file only when its SHA-256 is that of its name', async () => {
    const { store } = await freshContext();
    const key = `sha256:${await sha256Hex(content)}`;
    const wrong = `sha256:${await sha256Hex(content.slice(1))}`;
    const later = await openContext();
    // In order, by two contexts; then the last chunk first, which hashes what is stored.
    for (const order of [
      [0, 1, 2, 3],
      [3, 1, 0, 2],
    ]) {
      for (const [position, index] of order.entries()) {
        expect(await store.has(key)).toBe(false);
        const context = position < 2 ? store : later.store;
        const chunk = chunkOf(content, index);
        expect(await context.writeChunk(key, sizeBytes, index, chunk, driver)).toBe(true);
        expect(await context.writeChunk(wrong, sizeBytes, index, chunk, driver)).toBe(
          position === 3 ? 'hub/wrong-hash' : true,
        );
      }
      expect(await store.has(key)).toBe(true);
      expect(await store.storedChunkCount(wrong, sizeBytes)).toBe(0);
      await store.remove(key);
    }
  });

  it('are written by two contexts at once', async () => {
    const contexts = [await freshContext(), await openContext(), await openContext()];
    const key = `sha256:${await sha256Hex(content)}`;
    const indices = [0, 1, 2, 3];
    await Promise.all(
      contexts.flatMap(({ store }) =>
        indices.map(async (index) => {
          const chunk = chunkOf(content, index);
          expect(await store.writeChunk(key, sizeBytes, index, chunk, driver)).toBe(true);
          expect(isSame(await store.readChunk(key, sizeBytes, index), chunk)).toBe(true);
        }),
      ),
    );
    for (const { store } of contexts) {
      expect(await store.has(key)).toBe(true);
      expect(await store.problems()).toEqual([]);
    }
  });

  it('never disagree with the record that is stored beside them', async () => {
    await freshContext();
    const record = (chunkCount: number): Parameters<StoreWorker['writeChunk']>[5] => ({
      id: 'r',
      kind: 'run',
      startedAtMs: 1,
      data: { chunkCount },
    });
    for (const milliseconds of [3, 9]) {
      const doomed = await openContext();
      await doomed.store.remove('k');
      await doomed.store.writeChunk('k', sizeBytes, 0, chunkOf(content, 0), driver, record(1));
      void [1, 2, 3].map((index) =>
        doomed.store.writeChunk(
          'k',
          sizeBytes,
          index,
          chunkOf(content, index),
          driver,
          record(index + 1),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      doomed.worker.terminate();
      const { store } = await openContext();
      const chunkCount = await store.storedChunkCount('k', sizeBytes);
      expect((await store.run('r'))?.data).toEqual({ chunkCount });
    }
  });

  it('make room by last use, without what is pinned or in use', async () => {
    const { store } = await freshContext();
    for (const id of ['oldest', 'held', 'old', 'young']) {
      await store.writeFile(id, content, driver);
      await store.putModel(cacheModel(id, id));
    }
    await store.writeFile('merge', content, driver);
    await store.putModel({ ...cacheModel('merge', 'merge'), kind: 'merge' });
    const holder = await openContext();
    await holder.store.pin('run-1', ['held']);
    await store.tellSpace(1000, 5_001_003);
    const { freeBytes, evictableBytes } = await store.contents();
    expect(evictableBytes).toBe(3 * sizeBytes);
    // With its margin of a fifth this wants a little more than two models beyond what is free.
    const wanted = Math.floor((freeBytes + sizeBytes * 1.5) / 1.2);
    expect(await store.makeRoom(wanted)).toBe(true);
    expect(
      await Promise.all(['oldest', 'held', 'old', 'young', 'merge'].map((key) => store.has(key))),
    ).toEqual([false, true, false, true, true]);
    expect(await store.makeRoom(freeBytes * 2)).toBe(false);
    expect(await store.has('young')).toBe(true);
    // A pin ends with its context.
    expect((await store.contents()).models.find(({ id }) => id === 'held')?.isInUse).toBe(true);
    holder.worker.terminate();
    await expect.poll(async () => (await store.contents()).evictableBytes).toBe(2 * sizeBytes);
  });

  it('say so when the quota is reached, and nothing is half there', async () => {
    const large = 3 << 20;
    const { store: full } = await freshContext(large);
    await full.useBucket(4 << 20);
    const bytes = noise(2 * large);
    const write = async (index: number): Promise<boolean | string> =>
      full.writeChunk(
        'k',
        2 * large,
        index,
        bytes.slice(index * large, (index + 1) * large),
        driver,
      );
    expect(await write(0)).toBe(true);
    expect(await write(1)).toBe(false);
    expect(await full.problems()).toEqual(['store/quota']);
    expect(await full.readChunk('k', 2 * large, 1)).toBe('missing');
    expect(isSame(await full.readChunk('k', 2 * large, 0), bytes.slice(0, large))).toBe(true);
    await full.remove('k');
    // IndexedDB frees what was deleted when it pleases.
    if (driver === 'opfs') expect(await write(0)).toBe(true);
    await full.close();
    await full.deleteBucket();
  });
});

describe('the private file system', () => {
  it('is swept of what a crash left', async () => {
    const { store } = await freshContext();
    await store.writeFile('k', content, 'opfs');
    await store.leaveGarbage();
    expect(await store.privateFiles()).toHaveLength(2);
    const { store: later } = await openContext();
    await later.writeFile('l', content, 'indexeddb');
    await expect.poll(async () => later.privateFiles()).toEqual([sizeBytes]);
    expect(await later.has('k')).toBe(true);
  });

  it('is not swept by a visit that cannot ask the catalogue', async () => {
    const { store } = await freshContext();
    await store.writeFile('k', content, 'opfs');
    const { store: blind } = await openContext();
    await blind.denyDatabase();
    expect(await blind.writeChunk('l', 1, 0, noise(1), 'opfs')).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await store.privateFiles()).toEqual([sizeBytes]);
    expect(isSame(await store.readChunk('k', sizeBytes, 3), chunkOf(content, 3))).toBe(true);
  });

  it('is measured against IndexedDB', async () => {
    const { store } = await freshContext();
    const { driver, speeds } = await store.measure();
    expect(['indexeddb', 'opfs']).toContain(driver);
    expect(speeds.opfs?.writeMbPerSecond).toBeGreaterThan(0);
    expect(speeds.indexeddb?.readMbPerSecond).toBeGreaterThan(0);
    expect((await store.contents()).fileBytes).toBe(0);
  });

  it('is left to workers: the page writes new files to IndexedDB', async () => {
    await freshContext();
    const page = new LabStore({ name, pieceBytes });
    const writer = new FileWriter(page.files, 'k', sizeBytes, { driver: 'opfs' });
    await writer.write(content);
    await writer.finish();
    expect((await page.files.list())[0]?.record.driver).toBe('indexeddb');
    await page.close();
  });
});

/** Changes one byte of a stored chunk behind the store's back. */
async function damage(
  store: Comlink.Remote<StoreWorker>,
  driver: DriverId,
  key: string,
  index: number,
): Promise<void> {
  if (driver === 'opfs') {
    await store.damagePrivateFile(index * pieceBytes + 7);
    return;
  }
  const request = indexedDB.open(name);
  await new Promise((resolve) => (request.onsuccess = resolve));
  const transaction = request.result.transaction('chunks', 'readwrite');
  const chunks = transaction.objectStore('chunks');
  const found = chunks.get([key, index]);
  found.onsuccess = () => {
    const chunk = found.result as { bytes: ArrayBuffer };
    const bytes = new Uint8Array(chunk.bytes);
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    chunks.put(chunk);
  };
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  request.result.close();
}
