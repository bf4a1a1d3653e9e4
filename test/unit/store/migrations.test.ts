import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { expect, it } from 'vitest';
import { checksum128, sha256Hex } from '../../../src/formats/hashes';
import { LabStore } from '../../../src/store/lab-store';

const pieceBytes = 10;
const content = new Uint8Array(25).map((_, index) => index + 1);

/** A database as version 1 of the page wrote it. */
async function writeVersion1(name: string, keys: readonly string[]): Promise<void> {
  const database = await openDB(name, 1, {
    upgrade: (created) => {
      created.createObjectStore('models', { keyPath: 'id' });
      created.createObjectStore('files', { keyPath: 'key' });
      created.createObjectStore('chunks', { keyPath: ['fileKey', 'index'] });
      created.createObjectStore('runs', { keyPath: 'id' });
      created.createObjectStore('scores', { keyPath: ['modelHash', 'itemSetHash', 'dtype'] });
    },
  });
  for (const key of keys) {
    await database.put('files', {
      key,
      sizeBytes: content.byteLength,
      chunkSizeBytes: pieceBytes,
      chunkCount: 3,
      isComplete: true,
      updatedAtMs: 7,
    });
    for (let index = 0; index < 3; index++) {
      const bytes = content.slice(index * pieceBytes, (index + 1) * pieceBytes);
      await database.put('chunks', {
        fileKey: key,
        index,
        offsetBytes: index * pieceBytes,
        bytes: bytes.buffer,
        checksum: await checksum128(bytes),
      });
    }
  }
  const files = keys.map((key) => ({ path: key, key, sizeBytes: content.byteLength }));
  await database.put('models', { id: 'm', label: 'M', kind: 'cache', files, updatedAtMs: 7 });
  await database.put('runs', { id: 'r', kind: 'merge', startedAtMs: 5, data: { a: 1 } });
  const score = { modelHash: 'm', itemSetHash: 'i', dtype: 'q8', data: 3, updatedAtMs: 1 };
  await database.put('scores', score);
  database.close();
}

it('brings everything of version 1 along, and checks what only claimed to be a hash', async () => {
  const right = `sha256:${await sha256Hex(content)}`;
  const wrong = `sha256:${await sha256Hex(content.slice(1))}`;
  await writeVersion1('old', [right, wrong, 'merge/1/w']);
  const store = new LabStore({ name: 'old', pieceBytes });
  expect(await store.files.has('merge/1/w')).toBe(true);
  expect(await store.files.has(right)).toBe(true);
  for (let index = 0; index < 3; index++) {
    const bytes = await store.files.readChunk(right, content.byteLength, index);
    expect(bytes).toEqual(content.slice(index * pieceBytes, (index + 1) * pieceBytes));
  }
  expect(await store.files.has(wrong)).toBe(false);
  expect(await store.files.storedChunkCount(wrong, content.byteLength)).toBe(0);
  expect((await store.runs.get('r'))?.data).toEqual({ a: 1 });
  expect((await store.scores.get(['m', 'i', 'q8']))?.data).toBe(3);
  expect((await store.contents()).models).toMatchObject([
    {
      id: 'm',
      label: 'M',
      isComplete: false,
      storedBytes: 50,
      totalBytes: 75,
      driver: 'indexeddb',
    },
  ]);
});
