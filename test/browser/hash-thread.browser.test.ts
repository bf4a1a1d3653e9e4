import { afterEach, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../src/formats/hashes';
import { CachedFiles } from '../../src/sources/cached-files';
import { ContentChecks } from '../../src/sources/content-checks';
import { memoryFiles } from '../../src/sources/memory-files';
import { ReadSession } from '../../src/sources/read-session';
import { LabStore } from '../../src/store/lab-store';
import { startHashThread } from '../../src/workers/start-hash-thread';

const content = new Uint8Array(5_000_000).map((_, index) => index * 7 + (index >> 9));

afterEach(() => {
  vi.restoreAllMocks();
});

it('checks a file that is streamed on a thread of its own', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  const thread = startHashThread();
  if (thread === undefined) throw new Error('the page is not cross-origin isolated');
  const read = async (bytes: Uint8Array): Promise<readonly string[]> => {
    const store = new LabStore({ name: 'hash-thread', pieceBytes: 1 << 20 });
    const checks = new ContentChecks(() => thread.open());
    const fileKeys = new Map([['w.bin', `sha256:${await sha256Hex(content)}`]]);
    const files = new CachedFiles(
      memoryFiles('m', new Map([['w.bin', bytes]])),
      store,
      { modelId: 'm', fileKeys, caching: 'stream' },
      new ReadSession(undefined, { stores: false, checks }),
    );
    try {
      const found = await files.files.get('w.bin')?.read(0, bytes.byteLength);
      expect(found?.byteLength).toBe(bytes.byteLength);
      return await checks.finish(undefined);
    } finally {
      await store.close();
    }
  };
  try {
    expect(await read(content)).toEqual([]);
    const kinds = post.mock.calls.map(([question]) => (question as { kind: string }).kind);
    const saved = Array.from({ length: 4 }, () => ['piece', 'save']).flat();
    expect(kinds).toEqual(['start', ...saved, 'piece', 'digest', 'drop']);
    const wrong = content.slice();
    wrong[2_500_000] = (wrong[2_500_000] ?? 0) ^ 1;
    await expect(read(wrong)).rejects.toMatchObject({ code: 'hub/wrong-hash' });
  } finally {
    thread.end();
  }
});
