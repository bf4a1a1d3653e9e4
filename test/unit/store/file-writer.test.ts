import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { FileWriter } from '../../../src/store/file-writer';
import { LabStore } from '../../../src/store/lab-store';
import type { RunRecord } from '../../../src/store/schema';

const content = new Uint8Array(45).map((_, index) => index + 1);
let databaseCount = 0;
const openStore = (): LabStore =>
  new LabStore({ name: `writer-${++databaseCount}`, pieceBytes: 10 });

async function contentOf(store: LabStore, key: string): Promise<number[]> {
  const bytes: number[] = [];
  for (let index = 0; index < 5; index++) {
    bytes.push(...((await store.files.readChunk(key, 45, index)) ?? []));
  }
  return bytes;
}

describe('FileWriter', () => {
  it('goes on at the last whole chunk, or before it', async () => {
    const store = openStore();
    await new FileWriter(store.files, 'k', 45).write(content.subarray(0, 38));
    await expect.poll(async () => store.files.storedChunkCount('k', 45)).toBe(3);
    const resumed = await FileWriter.resume(store.files, 'k', 45);
    expect(resumed.offsetBytes).toBe(30);
    const earlier = await FileWriter.resume(store.files, 'k', 45, { chunkCount: 1 });
    expect(earlier.offsetBytes).toBe(10);
    await earlier.write(content.subarray(10));
    await earlier.finish();
    expect(await contentOf(store, 'k')).toEqual([...content]);
  });

  it('trusts no chunk behind the one it goes on from', async () => {
    const store = openStore();
    const first = new FileWriter(store.files, 'k', 45);
    await first.write(content);
    await first.finish();
    const again = new FileWriter(store.files, 'k', 45, { fromChunk: 2 });
    await again.write(content.subarray(20, 35));
    expect(await store.files.has('k')).toBe(false);
    await expect.poll(async () => store.files.storedChunkCount('k', 45)).toBe(3);
    const anew = new FileWriter(store.files, 'k', 45);
    await anew.write(new Uint8Array(45));
    await anew.finish();
    expect(await contentOf(store, 'k')).toEqual(Array.from({ length: 45 }, () => 0));
  });

  it('stores a record with each chunk, and neither when the chunk is refused', async () => {
    const store = openStore();
    const alongside = (chunkCount: number): RunRecord => ({
      id: 'r',
      kind: 'run',
      startedAtMs: 1,
      data: { chunkCount },
    });
    const writer = new FileWriter(store.files, 'k', 45, { alongside });
    await writer.write(content.subarray(0, 29));
    await expect.poll(async () => (await store.runs.get('r'))?.data).toEqual({ chunkCount: 2 });
    // What cannot be stored fails the whole transaction.
    const broken = { ...alongside(3), data: () => undefined };
    const chunk = content.slice(20, 30);
    await expect(
      store.files.writeChunk('k', 45, 2, chunk, { alongside: broken }),
    ).rejects.toThrow();
    expect(await store.files.storedChunkCount('k', 45)).toBe(2);
  });

  it('says so when the file is deleted under it', async () => {
    const store = openStore();
    const writer = new FileWriter(store.files, 'k', 45);
    await writer.write(content.subarray(0, 20));
    await store.files.remove('k');
    await writer.write(content.subarray(20));
    await expect(writer.finish()).rejects.toMatchObject({ code: 'store/corrupt' });
  });
});
