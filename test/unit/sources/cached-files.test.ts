import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import type { Progress } from '../../../src/core/progress';
import { CachedFiles, storedModel } from '../../../src/sources/cached-files';
import { memoryFiles } from '../../../src/sources/memory-files';
import type { ModelFiles } from '../../../src/sources/model-files';
import { LabStore } from '../../../src/store/lab-store';

const content = new Uint8Array(95).map((_, index) => index + 1);

/** A source that counts what is read from it and can be told to fail. */
function countingSource(): { files: ModelFiles; reads: string[]; fail: (on: boolean) => void } {
  const inner = memoryFiles('m', new Map([['w.bin', content]]));
  const reads: string[] = [];
  let isFailing = false;
  const files = new Map(
    [...inner.files.values()].map((file) => [
      file.path,
      {
        ...file,
        read: async (offset: number, length: number, signal?: AbortSignal) => {
          reads.push(`${offset}+${length}`);
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
  };
}

let databaseCount = 0;
const newName = (): string => `cached-${++databaseCount}`;
const openStore = (name: string): LabStore => new LabStore({ name, pieceBytes: 10 });
const cacheOf = (
  source: ModelFiles,
  store: LabStore,
  onProblem?: (error: LabError) => void,
): CachedFiles =>
  new CachedFiles(source, store, {
    modelId: 'm',
    fileKeys: new Map([['w.bin', 'sha256:w']]),
    onProblem,
  });

describe('CachedFiles', () => {
  it('reads through once and from the store ever after', async () => {
    const name = newName();
    const source = countingSource();
    const store = openStore(name);
    const file = cacheOf(source.files, store).files.get('w.bin');
    expect(await file?.read(8, 15)).toEqual(content.slice(8, 23));
    expect(source.reads).toEqual(['0+10', '10+10', '20+10']);
    expect(await file?.read(0, 95)).toEqual(content);
    expect(source.reads).toHaveLength(10);
    expect(await store.files.has('sha256:w')).toBe(true);
    // Another visit: nothing in memory, everything in the store.
    source.fail(true);
    const later = cacheOf(source.files, openStore(name)).files.get('w.bin');
    expect(await later?.read(3, 90)).toEqual(content.slice(3, 93));
    expect(source.reads).toHaveLength(10);
    await expect(later?.read(90, 6)).rejects.toMatchObject({ code: 'format/truncated' });
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
    expect(await storedModel(store, 'm')).toBeUndefined();
    expect(source.reads).toHaveLength(4);
    const progress: Progress[] = [];
    await cacheOf(source.files, openStore(name)).prefetch({ onProgress: (p) => progress.push(p) });
    expect(source.reads).toHaveLength(10);
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
    const file = cacheOf(source.files, store, (error) => problems.push(error)).files.get('w.bin');
    expect(await file?.read(20, 10)).toEqual(content.slice(20, 30));
    expect(problems.map((problem) => problem.code)).toEqual(['store/corrupt']);
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
    const file = cacheOf(source.files, openStore(newName())).files.get('w.bin');
    await expect(file?.read(0, 5)).rejects.toMatchObject({ code: 'source/network' });
    source.fail(false);
    expect(await file?.read(0, 5)).toEqual(content.slice(0, 5));
  });
});
