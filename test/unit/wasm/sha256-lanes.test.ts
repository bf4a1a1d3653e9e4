import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256Stream } from '../../../src/formats/hashes';
import { sha256Lanes } from '../../../src/wasm/sha256-lanes';

/** Adds the parts of several streams together, round after round. */
async function hashTogether(
  rounds: readonly (readonly (Uint8Array | undefined)[])[],
): Promise<string[]> {
  const update = sha256Lanes();
  if (update === undefined) throw new Error('Node has vector instructions');
  const [first = []] = rounds;
  const hashes = await Promise.all(first.map(async () => sha256Stream()));
  for (const round of rounds) {
    update(
      hashes.flatMap((hash, index) => {
        const bytes = round[index];
        return bytes === undefined ? [] : [{ hash, bytes }];
      }),
    );
  }
  return hashes.map((hash) => hash.digestHex());
}

function expected(rounds: readonly (readonly (Uint8Array | undefined)[])[]): string[] {
  return (rounds[0] ?? []).map((_, index) => {
    const hash = createHash('sha256');
    for (const round of rounds) hash.update(round[index] ?? new Uint8Array());
    return hash.digest('hex');
  });
}

it.each([
  [1, 'one stream', [[100_000]]],
  [2, 'two streams of one length', [[1 << 16, 1 << 16]]],
  [3, 'four streams of whole pieces', [[1 << 20, 1 << 20, 1 << 20, 1 << 20]]],
  [4, 'lengths around a block', [[0, 63, 64, 65]]],
  [5, 'lengths around a copied piece', [[32_767, 32_768, 32_769, 98_304]]],
  [6, 'more streams than lanes', [[640, 1280, 1920, 2560, 3200, 6400, 64]]],
  [
    7,
    'parts that end within a block, and streams that come and go',
    [
      [128, 100, 64, 7],
      [640, 28, undefined, 57],
      [64, 640, 64, undefined],
      [0, 6400, 77, 1],
      [6401, undefined, 640, 6400],
    ],
  ],
] as const)('hashes as one by one: %i, %s', async (_number, _title, lengths) => {
  const rounds = lengths.map((round) =>
    round.map((length) => (length === undefined ? undefined : randomBytes(length))),
  );
  expect(await hashTogether(rounds)).toEqual(expected(rounds));
});

it('hashes parts of any length', async () => {
  const lengthOf = (): number => Math.floor(Math.random() ** 4 * 200_000);
  const rounds = Array.from({ length: 40 }, () =>
    Array.from({ length: 6 }, () => (Math.random() < 0.2 ? undefined : randomBytes(lengthOf()))),
  );
  expect(await hashTogether(rounds)).toEqual(expected(rounds));
});

it('takes memory that threads share', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000)).fill(7);
  const rounds = [[shared.subarray(3), shared.subarray(500, 90_000), shared]];
  expect(await hashTogether(rounds)).toEqual(expected(rounds));
});
