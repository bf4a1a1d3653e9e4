import { describe, expect, it } from 'vitest';
import { sha256Hex, sha256Stream } from '../../../src/formats/hashes';
import { sealStates, unsealStates, type SealedStates } from '../../../src/sources/check-state';
import { ContentChecks } from '../../../src/sources/content-checks';

const chunkBytes = 10;
const content = new Uint8Array(95).map((_, index) => index + 1);
const indices = Array.from({ length: 10 }, (_, index) => index);

function chunkOf(index: number): Uint8Array {
  return content.slice(index * chunkBytes, (index + 1) * chunkBytes);
}

/** A visit of a run that reads these chunks of its one file; what it can say in the end. */
async function visit(
  chunks: readonly number[],
  earlier?: { readonly sealed: unknown },
): Promise<{ unproven: readonly string[]; sealed: SealedStates | undefined }> {
  const checks = new ContentChecks();
  if (earlier !== undefined) await checks.goOn(earlier.sealed);
  const key = `sha256:${await sha256Hex(content)}`;
  const check = checks.of(key, {
    name: 'm/w.bin',
    sizeBytes: content.length,
    chunkBytes,
    readAgain: async (index) => Promise.resolve(chunkOf(index)),
  });
  for (const index of chunks) {
    await check?.through(index, 1, async () => Promise.resolve(chunkOf(index)), undefined);
  }
  await new Promise((resolve) => setTimeout(resolve));
  const sealed = await checks.sealed();
  return { sealed, unproven: await checks.finish(undefined) };
}

/** As a database gives it back. */
function stored<T>(value: T): T {
  return structuredClone(value);
}

describe('ContentChecks', () => {
  it('proves a file that was read over three visits', async () => {
    const first = await visit([0, 1, 2, 3]);
    const second = await visit([3, 4, 5, 9], { sealed: stored(first.sealed) });
    const third = await visit([5, 6, 7, 8], { sealed: stored(second.sealed) });
    expect(third.unproven).toEqual([]);
  });

  it('does not take a file for proven of which the next visit reads nothing', async () => {
    const { sealed } = await visit([0, 1, 2, 3]);
    const checks = new ContentChecks();
    await checks.goOn(sealed);
    expect(await checks.finish(undefined)).toEqual(['m/w.bin']);
    const whole = await visit(indices);
    const after = new ContentChecks();
    await after.goOn(whole.sealed);
    expect(await after.finish(undefined)).toEqual([]);
  });

  it('claims nothing after what it knew is lost, not even on the visit after that', async () => {
    const { sealed } = await visit([0, 1, 2, 3]);
    if (sealed === undefined) throw new Error('nothing was sealed');
    const { text, checksum } = sealed;
    const damaged = text.replace('hashed":[4,"', 'hashed":[5,"');
    expect(damaged).not.toBe(text);
    for (const lost of [
      undefined,
      null,
      'x',
      [],
      {},
      { text },
      { text: damaged, checksum },
      { text: text.slice(0, -1), checksum },
    ]) {
      const later = await visit(indices, { sealed: stored(lost) });
      expect(later.unproven).toEqual(['m/w.bin']);
      expect(later.sealed).toBeUndefined();
    }
  });

  it('claims nothing of a file whose state is none, or of other chunks', async () => {
    const { sealed } = await visit([0, 1, 2, 3]);
    const states = await unsealStates(sealed);
    const [[key, state] = ['', undefined]] = states ?? [];
    if (state === undefined) throw new Error('there is a state');
    const bad = [
      { ...state, hashed: { chunkCount: 4, state: new Uint8Array(112) } },
      { ...state, hashed: { chunkCount: 4, state: new Uint8Array(3000) } },
      { ...state, hashed: { chunkCount: 4, state: new Uint8Array() } },
      { ...state, hashed: { chunkCount: 11, state: state.hashed?.state ?? new Uint8Array() } },
      { ...state, sums: new Map([...state.sums].slice(1)) },
      { ...state, chunkBytes: 20 },
      { ...state, chunkCount: 9 },
    ];
    for (const one of bad) {
      const resealed = await sealStates(new Map([[key, one]]));
      const later = await visit(indices, { sealed: stored(resealed) });
      expect(later.unproven).toEqual(['m/w.bin']);
      // It stays lost, for what the first visit made of it is still there.
      const last = await visit(indices, { sealed: stored(later.sealed) });
      expect(last.unproven).toEqual(['m/w.bin']);
    }
    const good = await sealStates(new Map([[key, state]]));
    expect((await visit(indices.slice(4), { sealed: good })).unproven).toEqual([]);
  });

  it('finds a file wrong whose hash went wrong on an earlier visit', async () => {
    const hash = await sha256Stream();
    hash.update(chunkOf(1));
    const { sealed } = await visit([0, 1]);
    const [[key, state] = ['', undefined]] = (await unsealStates(sealed)) ?? [];
    if (state === undefined) throw new Error('there is a state');
    const other = { ...state, hashed: { chunkCount: 2, state: hash.save() } };
    const resealed = await sealStates(new Map([[key, other]]));
    await expect(visit(indices.slice(2), { sealed: resealed })).rejects.toMatchObject({
      code: 'hub/wrong-hash',
    });
  });
});
