import { describe, expect, it } from 'vitest';
import type { LabError } from '../../../src/core/errors';
import { sha256Hex, sha256Stream } from '../../../src/formats/hashes';
import type { CheckState } from '../../../src/sources/check-state';
import { ContentCheck } from '../../../src/sources/content-check';

const chunkBytes = 10;
const content = new Uint8Array(95).map((_, index) => index + 1);
const indices = Array.from({ length: 10 }, (_, index) => index);

function chunkOf(index: number, bytes = content): Uint8Array {
  return bytes.slice(index * chunkBytes, (index + 1) * chunkBytes);
}

/** A check of `content`, what it read again by itself, and what it told. */
async function begin(sizeBytes = content.length, ofChunks = chunkBytes, known?: CheckState) {
  const again: number[] = [];
  const told: LabError[] = [];
  const file = {
    name: 'm/w.bin',
    sha256: await sha256Hex(content),
    sizeBytes,
    chunkBytes: ofChunks,
    readAgain: async (index: number) => {
      again.push(index);
      return Promise.resolve(chunkOf(index));
    },
  };
  const check = new ContentCheck(file, sha256Stream, (error) => told.push(error), known);
  const read = async (index: number, bytes = chunkOf(index)): Promise<Uint8Array> =>
    check.through(index, 1, async () => Promise.resolve(bytes), undefined);
  return { check, read, again, told };
}

const wrongHash = { code: 'hub/wrong-hash' };

describe('ContentCheck', () => {
  it('proves a file that is read in order, some of it several times', async () => {
    const { check, read, again } = await begin();
    for (const index of [0, 1, 0, 1, 2, 3, 2, 3]) await read(index);
    await check.through(4, 6, async () => Promise.resolve(content.slice(40)), undefined);
    await read(9);
    expect(await check.finish(undefined)).toBe(true);
    expect(again).toEqual([]);
  });

  it('finds a wrong chunk when the last one comes, and trusts nothing more', async () => {
    const { check, read, told } = await begin();
    const bad = chunkOf(4);
    bad[3] = 0;
    for (const index of indices.slice(0, 9)) await read(index, index === 4 ? bad : undefined);
    await expect(read(9)).rejects.toMatchObject(wrongHash);
    expect(told).toMatchObject([wrongHash]);
    await expect(read(0)).rejects.toMatchObject(wrongHash);
    await expect(check.finish(undefined)).rejects.toMatchObject(wrongHash);
  });

  it('finds a chunk that is another when it is read again', async () => {
    const { read } = await begin();
    await read(0);
    await expect(read(0, chunkOf(1))).rejects.toMatchObject(wrongHash);
  });

  it('compares a header that was read by itself with its chunk', async () => {
    const { check, read } = await begin();
    await check.noteHead(0, content.slice(0, 4));
    await check.noteHead(4, content.slice(5, 8));
    await expect(read(0)).rejects.toMatchObject(wrongHash);
  });

  it('lets chunks wait for those before them that are on their way', async () => {
    const { check, read, again } = await begin();
    const arrivals = indices.map(() => {
      let arrive: () => void = () => undefined;
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      return { arrived, arrive };
    });
    const reads = indices.map(async (index) =>
      check.through(
        index,
        1,
        async () => {
          await arrivals[index]?.arrived;
          return chunkOf(index);
        },
        undefined,
      ),
    );
    for (const { arrive } of arrivals.toReversed()) {
      arrive();
      await new Promise((resolve) => setTimeout(resolve));
    }
    await Promise.all(reads);
    await read(0);
    expect(await check.finish(undefined)).toBe(true);
    expect(again).toEqual([]);
  });

  it('waits no longer for a chunk that never comes', async () => {
    const { check, read } = await begin();
    const lost = check.through(0, 1, async () => Promise.reject(new Error('cut')), undefined);
    const next = read(1);
    await expect(lost).rejects.toThrow('cut');
    await next;
    for (const index of indices) await read(index);
    expect(await check.finish(undefined)).toBe(true);
  });

  it('takes in what was read ahead when the reader comes to it', async () => {
    const { check, read, again } = await begin();
    await read(5);
    for (const index of indices.slice(0, 5)) await read(index);
    await check.see(5, chunkOf(5), undefined);
    for (const index of indices.slice(6)) await read(index);
    expect(await check.finish(undefined)).toBe(true);
    expect(again).toEqual([]);
  });

  it('reads again what was read too early and never after', async () => {
    const { check, read, again } = await begin();
    for (const index of [3, 0, 1, 2, 4, 5, 6, 7, 8, 9]) await read(index);
    expect(await check.finish(undefined)).toBe(true);
    expect(again).toEqual([3]);
  });

  it('reads what the reader left out, in the middle and at the end', async () => {
    const { check, read, again } = await begin();
    for (const index of [0, 3, 4, 5, 6, 7]) await read(index);
    // The fourth chunk beyond the gap shows that the reader went on.
    expect(again).toEqual([1, 2, 3, 4, 5]);
    expect(await check.finish(undefined)).toBe(true);
    expect(again).toEqual([1, 2, 3, 4, 5, 8, 9]);
  });

  it('finds a chunk that was wrong behind a gap', async () => {
    const { check, read } = await begin();
    await read(0);
    await read(5, chunkOf(6));
    await expect(check.finish(undefined)).rejects.toMatchObject(wrongHash);
  });

  it('goes on from what an earlier visit found out, wherever that broke off', async () => {
    for (const brokeOff of indices.slice(0, 9)) {
      const earlier = await begin();
      await earlier.check.noteHead(0, content.slice(0, 4));
      for (const index of indices.slice(0, brokeOff)) await earlier.read(index);
      await earlier.read(9);
      // The hash's state is told a moment later.
      await new Promise((resolve) => setTimeout(resolve));
      const { state } = earlier.check;
      expect(state.hashed?.chunkCount).toBe(brokeOff === 0 ? undefined : brokeOff);
      const later = await begin(undefined, undefined, state);
      for (const index of indices.slice(Math.max(0, brokeOff - 2))) await later.read(index);
      expect(await later.check.finish(undefined)).toBe(true);
      expect(later.again).toEqual([]);
      expect(later.check.state.hashed).toEqual({ chunkCount: 10, state: new Uint8Array() });
      const bad = chunkOf(9).map((byte) => byte ^ 1);
      const wrong = await begin(undefined, undefined, state);
      await expect(wrong.read(9, bad)).rejects.toMatchObject(wrongHash);
    }
  });

  it('reads a quarter of a large file at its end, such as a head that was read first', async () => {
    /** Chunks of a few bytes stand for large ones. */
    const read = async (firstRead: number): Promise<[boolean, readonly number[]]> => {
      const { check, read: readOne, again } = await begin(10 * (64 << 20), 64 << 20);
      for (const index of [...indices.slice(firstRead), ...indices.slice(0, firstRead)]) {
        await readOne(index);
      }
      return [await check.finish(undefined), again];
    };
    expect(await read(8)).toEqual([true, [8, 9]]);
    expect(await read(7)).toEqual([false, []]);
  });

  it('claims nothing where too much was left out', async () => {
    const large = 16 << 20;
    const { check, again } = await begin(6 * large, large);
    await check.through(5, 1, async () => Promise.resolve(new Uint8Array(large)), undefined);
    expect(await check.finish(undefined)).toBe(false);
    expect(again).toEqual([]);
  });

  it('asks nothing of a file of which only the header was read', async () => {
    const { check, again } = await begin();
    await check.noteHead(0, content.slice(0, 4));
    expect(await check.finish(undefined)).toBe(true);
    expect(again).toEqual([]);
  });
});
