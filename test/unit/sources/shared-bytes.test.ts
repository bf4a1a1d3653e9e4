import { describe, expect, it } from 'vitest';
import { SharedBytes, type LoadBytes } from '../../../src/sources/shared-bytes';

const sizeBytes = 64;

/** Fills the memory that it is lent. */
function filled(value: number): LoadBytes {
  return async (_signal, allocate) => Promise.resolve(allocate(sizeBytes).fill(value));
}

/** The memory under a key, which a test may look at after its time. */
async function memoryOf(shared: SharedBytes, key: string, load: LoadBytes): Promise<Uint8Array> {
  return shared.use(key, sizeBytes, load, (bytes) => bytes);
}

describe('bytes that are shared', () => {
  it('use the memory again of what was dropped', async () => {
    const shared = new SharedBytes(2 * sizeBytes);
    const first = await memoryOf(shared, 'a', filled(1));
    const second = await memoryOf(shared, 'b', filled(2));
    const third = await memoryOf(shared, 'c', filled(3));
    expect(second).not.toBe(first);
    expect(third).toBe(first);
    expect([...new Set(third)]).toEqual([3]);
    expect(shared.has('a')).toBe(false);
  });

  it('leave bytes alone while somebody uses them', async () => {
    const shared = new SharedBytes(sizeBytes);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let seen: Uint8Array | undefined;
    const slow = shared.use('a', sizeBytes, filled(1), async (bytes) => {
      seen = bytes;
      await held;
      return [...new Set(bytes)];
    });
    await expect.poll(() => seen).toBeDefined();
    expect(await memoryOf(shared, 'b', filled(2))).not.toBe(seen);
    release();
    expect(await slow).toEqual([1]);
  });

  it('never give away memory that is not their own', async () => {
    const shared = new SharedBytes(sizeBytes);
    const own = new Uint8Array(sizeBytes).fill(1);
    await memoryOf(shared, 'a', async () => Promise.resolve(own));
    expect(await memoryOf(shared, 'b', filled(2))).not.toBe(own);
    expect(own[0]).toBe(1);
  });

  it('do not use the memory again of a load that failed, for it may still be written to', async () => {
    const shared = new SharedBytes(sizeBytes);
    let lent: Uint8Array | undefined;
    const broken: LoadBytes = async (_signal, allocate) => {
      lent = allocate(sizeBytes);
      return Promise.reject(new Error('broken off'));
    };
    await expect(memoryOf(shared, 'a', broken)).rejects.toThrow('broken off');
    expect(await memoryOf(shared, 'a', filled(2))).not.toBe(lent);
  });

  it('keep no more than the budget, memory to be used again included', async () => {
    const shared = new SharedBytes(2 * sizeBytes);
    const first = await memoryOf(shared, 'a', filled(1));
    await memoryOf(shared, 'b', filled(2));
    // Takes the place of both, so that the memory of neither is kept.
    await shared.use(
      'large',
      2 * sizeBytes,
      async () => Promise.resolve(new Uint8Array(2 * sizeBytes)),
      () => undefined,
    );
    shared.pass('large');
    expect(await memoryOf(shared, 'c', filled(3))).not.toBe(first);
  });
});
