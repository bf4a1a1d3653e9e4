import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import type { Progress } from '../../../src/core/progress';
import { sha256Hex } from '../../../src/formats/hashes';
import {
  cachedHubModel,
  CachedFiles,
  storedModel,
  type CacheOptions,
} from '../../../src/sources/cached-files';
import { memoryFiles } from '../../../src/sources/memory-files';
import type { ModelFiles } from '../../../src/sources/model-files';
import { ReadSession } from '../../../src/sources/read-session';
import { LabStore } from '../../../src/store/lab-store';

const content = new Uint8Array(95).map((_, index) => index + 1);

/** A source that counts what is read from it and can be told to fail or to hold back. */
function countingSource(bytes = content): {
  files: ModelFiles;
  reads: string[];
  fail: (on: boolean) => void;
  hold: (until: Promise<void>) => void;
} {
  const inner = memoryFiles('m', new Map([['w.bin', bytes]]));
  const reads: string[] = [];
  let isFailing = false;
  let held = Promise.resolve();
  const files = new Map(
    [...inner.files.values()].map((file) => [
      file.path,
      {
        ...file,
        read: async (offset: number, length: number, signal?: AbortSignal) => {
          reads.push(`${offset}+${length}`);
          await held;
          if (isFailing) throw new LabError('source/network', 'The line is cut; try again.');
          return file.read(offset, length, signal);
        },
      },
    ]),
  );
  return {
    files: { label: 'm', files },
    reads,
    fail: (on) => {
      isFailing = on;
    },
    hold: (until) => {
      held = until;
    },
  };
}

let databaseCount = 0;
const newName = (): string => `cached-${++databaseCount}`;
const openStore = (name: string): LabStore => new LabStore({ name, pieceBytes: 10 });
const cacheOf = (
  source: ModelFiles,
  store: LabStore,
  options: Partial<CacheOptions> = {},
  session?: ReadSession,
): CachedFiles =>
  new CachedFiles(
    source,
    store,
    { modelId: 'm', fileKeys: new Map([['w.bin', 'sha256:w']]), ...options },
    session,
  );
const fileOf = (files: CachedFiles): NonNullable<ReturnType<CachedFiles['files']['get']>> => {
  const file = files.files.get('w.bin');
  if (file === undefined) throw new Error('no file');
  return file;
};

/** A store whose writes find no room after the first few. */
class FullStore extends LabStore {
  constructor(name: string, roomForChunks: number) {
    super({ name, pieceBytes: 10 });
    const write = this.files.writeChunk.bind(this.files);
    let leftCount = roomForChunks;
    this.files.writeChunk = async (...given) => {
      leftCount -= 1;
      return leftCount >= 0 && write(...given);
    };
  }

  override get isFull(): boolean {
    return true;
  }
}

describe('CachedFiles', () => {
  it('reads through once and from the store ever after', async () => {
    const name = newName();
    const source = countingSource();
    const store = openStore(name);
    const cache = cacheOf(source.files, store);
    expect(await fileOf(cache).read(8, 15)).toEqual(content.slice(8, 23));
    expect(source.reads).toEqual(['0+10', '10+10', '20+10']);
    expect(await fileOf(cache).read(0, 95)).toEqual(content);
    await cache.settle();
    expect(new Set(source.reads).size).toBe(10);
    expect(await store.files.has('sha256:w')).toBe(true);
    expect((await store.contents()).models).toMatchObject([{ id: 'm', isComplete: true }]);
    // Another visit: nothing in memory, everything in the store.
    const readCount = source.reads.length;
    source.fail(true);
    const later = fileOf(cacheOf(source.files, openStore(name)));
    expect(await later.read(3, 90)).toEqual(content.slice(3, 93));
    expect(source.reads).toHaveLength(readCount);
    await expect(later.read(90, 6)).rejects.toMatchObject({ code: 'format/truncated' });
  });

  it('reads into memory of the caller, also shared memory', async () => {
    const cache = cacheOf(countingSource().files, openStore(newName()));
    const shared = new Uint8Array(new SharedArrayBuffer(100));
    for (let round = 0; round < 2; round++) {
      shared.fill(0);
      const bytes = await fileOf(cache).read(5, 60, undefined, (size) => shared.subarray(0, size));
      expect(bytes.buffer).toBe(shared.buffer);
      expect(shared.slice(0, 61)).toEqual(new Uint8Array([...content.slice(5, 65), 0]));
      await cache.settle();
    }
  });

  it('fetches the next chunk while one is used, within its budget', async () => {
    const source = countingSource();
    const store = openStore(newName());
    const cache = cacheOf(source.files, store, {}, new ReadSession(60));
    // Not yet past the middle of a chunk.
    await fileOf(cache).read(0, 4);
    expect(source.reads).toEqual(['0+10']);
    await fileOf(cache).read(4, 4);
    await expect.poll(() => source.reads).toEqual(['0+10', '10+10']);
    await fileOf(cache).read(8, 12);
    await expect.poll(() => source.reads).toEqual(['0+10', '10+10', '20+10']);
    const roomy = countingSource();
    const alone = new ReadSession(60, { readerCount: 1 });
    await fileOf(cacheOf(roomy.files, openStore(newName()), {}, alone)).read(0, 4);
    await expect.poll(() => roomy.reads).toEqual(['0+10', '10+10']);
    const tight = countingSource();
    const small = cacheOf(tight.files, openStore(newName()), {}, new ReadSession(15));
    await fileOf(small).read(0, 9);
    await small.settle();
    expect(tight.reads).toEqual(['0+10']);
  });

  it('joins whole chunks to one request, but not those that are at hand', async () => {
    const source = countingSource();
    const session = new ReadSession(60, { stores: false, readerCount: 1 });
    const cache = cacheOf(source.files, openStore(newName()), { caching: 'stream' }, session);
    expect(await fileOf(cache).read(0, 4)).toEqual(content.slice(0, 4));
    await expect.poll(() => source.reads).toEqual(['0+10', '10+10']);
    expect(await fileOf(cache).read(4, 70)).toEqual(content.slice(4, 74));
    const reads = ['0+10', '10+10', '20+50', '70+10', '80+10'];
    await expect.poll(() => source.reads).toEqual(reads);
  });

  it('serves readers of different chunks at once', async () => {
    const source = countingSource();
    let release = (): void => undefined;
    source.hold(new Promise((resolve) => (release = resolve)));
    const file = fileOf(cacheOf(source.files, openStore(newName())));
    const reads = [file.read(0, 3), file.read(41, 3), file.read(43, 5), file.read(80, 15)];
    await expect.poll(() => source.reads.length).toBe(4);
    release();
    expect(await reads[1]).toEqual(content.slice(41, 44));
    expect(await reads[3]).toEqual(content.slice(80, 95));
    await Promise.all(reads);
  });

  it('continues an interrupted prefetch where it stopped', async () => {
    const name = newName();
    const source = countingSource();
    const store = openStore(name);
    const controller = new AbortController();
    const stop = (progress: Progress): void => {
      if (progress.done >= 40) controller.abort(new Error('tab closed'));
    };
    await expect(
      cacheOf(source.files, store).prefetch({ signal: controller.signal, onProgress: stop }),
    ).rejects.toThrow('tab closed');
    expect(await store.files.has('sha256:w')).toBe(false);
    expect(await store.files.storedChunkCount('sha256:w', 95)).toBe(4);
    expect(await storedModel(store, 'm')).toBeUndefined();
    source.reads.length = 0;
    const progress: Progress[] = [];
    await cacheOf(source.files, openStore(name)).prefetch({ onProgress: (p) => progress.push(p) });
    expect(source.reads).toHaveLength(6);
    expect(progress.at(-1)).toMatchObject({ done: 95, total: 95, unit: 'bytes' });
    const whole = await storedModel(openStore(name), 'm');
    expect(await whole?.files.get('w.bin')?.read(0, 95)).toEqual(content);
  });

  it('notices a damaged chunk, drops it and fetches it again', async () => {
    const name = newName();
    const source = countingSource();
    await cacheOf(source.files, openStore(name)).prefetch();
    const raw = await openDB(name);
    const chunk = (await raw.get('chunks', ['sha256:w', 2])) as { bytes: ArrayBuffer };
    new Uint8Array(chunk.bytes)[3] = 0;
    await raw.put('chunks', chunk);
    raw.close();
    const problems: LabError[] = [];
    const store = openStore(name);
    const cache = cacheOf(source.files, store, { onProblem: (error) => problems.push(error) });
    expect(await fileOf(cache).read(20, 10)).toEqual(content.slice(20, 30));
    expect(problems.map((problem) => problem.code)).toEqual(['store/corrupt']);
    await cache.settle();
    expect(source.reads.slice(10)).toEqual(['20+10']);
    expect(await store.files.has('sha256:w')).toBe(true);
    // Without a source there is nothing to fetch again.
    const again = await openDB(name);
    await again.put('chunks', { ...chunk, bytes: new ArrayBuffer(10) });
    again.close();
    const alone = await storedModel(openStore(name), 'm');
    await expect(alone?.files.get('w.bin')?.read(20, 10)).rejects.toMatchObject({
      code: 'store/corrupt',
    });
  });

  it('passes a failure of the source on and recovers', async () => {
    const source = countingSource();
    source.fail(true);
    const file = fileOf(cacheOf(source.files, openStore(newName())));
    await expect(file.read(0, 5)).rejects.toMatchObject({ code: 'source/network' });
    source.fail(false);
    expect(await file.read(0, 5)).toEqual(content.slice(0, 5));
  });

  it('streams large reads in one piece and stores nothing', async () => {
    const source = countingSource();
    const store = openStore(newName());
    const cache = cacheOf(source.files, store, { caching: 'stream' });
    expect(await fileOf(cache).read(5, 80)).toEqual(content.slice(5, 85));
    expect(source.reads.slice(0, 3).sort()).toEqual(['0+10', '10+70', '80+10']);
    await cache.settle();
    expect((await store.contents()).fileBytes).toBe(0);
    // What another run has stored is used.
    await cacheOf(source.files, store).prefetch();
    source.fail(true);
    const later = cacheOf(source.files, store, { caching: 'stream' });
    expect(await fileOf(later).read(5, 80)).toEqual(content.slice(5, 85));
  });

  it('goes on without storing when there is no room, and says so once', async () => {
    const source = countingSource();
    const problems: LabError[] = [];
    const session = new ReadSession();
    const store = new FullStore(newName(), 2);
    for (const modelId of ['m', 'n']) {
      const cache = cacheOf(
        source.files,
        store,
        { modelId, onProblem: (error) => problems.push(error) },
        session,
      );
      expect(await fileOf(cache).read(0, 95)).toEqual(content);
      await cache.settle();
    }
    expect(problems.map(({ code }) => code)).toEqual(['store/quota']);
    expect(await store.files.has('sha256:w')).toBe(false);
  });

  it('fetches a file again whose hash is wrong, once', async () => {
    const key = `sha256:${await sha256Hex(content)}`;
    const bad = content.slice();
    bad[50] = 0;
    const source = countingSource(bad);
    const store = openStore(newName());
    const options = { fileKeys: new Map([['w.bin', key]]) };
    await expect(cacheOf(source.files, store, options).prefetch()).rejects.toMatchObject({
      code: 'hub/wrong-hash',
      details: { file: 'm/w.bin', key },
    });
    expect(source.reads).toHaveLength(20);
    expect((await store.contents()).fileBytes).toBe(0);
    // The damage is gone at the second try.
    const once = countingSource(bad);
    const reading = cacheOf(once.files, store, options).prefetch({
      onProgress: ({ done }) => {
        if (done > 80) bad[50] = content[50] ?? 0;
      },
    });
    await reading;
    expect(once.reads).toHaveLength(20);
    expect(await store.files.has(key)).toBe(true);
  });

  it('tells a reader that what it read was wrong', async () => {
    const wrong = `sha256:${await sha256Hex(content.slice(1))}`;
    const options = { fileKeys: new Map([['w.bin', wrong]]) };
    const cache = cacheOf(countingSource().files, openStore(newName()), options);
    await fileOf(cache).read(0, 95);
    await expect(cache.settle()).rejects.toMatchObject({ code: 'hub/wrong-hash' });
    await expect(fileOf(cache).read(0, 1)).rejects.toMatchObject({ code: 'hub/wrong-hash' });
  });

  it('opens a cached model of a Hub by repository and revision', async () => {
    const store = openStore(newName());
    const source = { kind: 'hub', repo: 'o/r', revision: 'main', commit: 'c1' } as const;
    const cache = cacheOf(countingSource().files, store, { modelId: 'hub/o/r@c1', source });
    await fileOf(cache).read(0, 50);
    await cache.settle();
    expect(await cachedHubModel(store, 'o/r', 'main')).toBeUndefined();
    await fileOf(cache).read(50, 45);
    await cache.settle();
    for (const revision of ['main', 'c1']) {
      const found = await cachedHubModel(store, 'o/r', revision);
      expect(found?.source).toEqual(source);
      expect(await found?.files.files.get('w.bin')?.read(0, 95)).toEqual(content);
    }
    expect(await cachedHubModel(store, 'o/r', 'v1')).toBeUndefined();
    expect(await cachedHubModel(store, 'o/x', 'main')).toBeUndefined();
  });
});
