import { describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { formatSafetensorsIndex } from '../../../src/formats/safetensors-index';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';

const shard = (name: string, fill: number): Uint8Array =>
  encodeSafetensors([
    { name, dtype: 'F32', shape: [2, 3], bytes: new Uint8Array(24).fill(fill) },
    { name: `${name}.scale`, dtype: 'BF16', shape: [1], bytes: Uint8Array.of(fill, fill) },
  ]);

const sharded = (shardOf: [string, string][]): Map<string, Uint8Array | string> =>
  new Map<string, Uint8Array | string>([
    ['model.safetensors.index.json', formatSafetensorsIndex(new Map(shardOf), 0)],
    ['one.safetensors', shard('a', 1)],
    ['two.safetensors', shard('b', 2)],
  ]);

describe('openCheckpoint', () => {
  it('reads tensors and parts of tensors from shards, one shard after another', async () => {
    const files = sharded([
      ['a.scale', 'one.safetensors'],
      ['b', 'two.safetensors'],
      ['a', 'one.safetensors'],
    ]);
    const checkpoint = await openCheckpoint(memoryFiles('m', files));
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'a.scale', 'b']);
    expect(await checkpoint.read('b')).toEqual(new Uint8Array(24).fill(2));
    const part = await checkpoint.read('a', { offsetBytes: 20, lengthBytes: 4 });
    expect(part).toEqual(new Uint8Array(4).fill(1));
    expect(checkpoint.lacksHead).toBe(true);
    await expect(checkpoint.read('a', { offsetBytes: 20, lengthBytes: 5 })).rejects.toMatchObject({
      code: 'format/truncated',
    });
    await expect(checkpoint.read('c')).rejects.toMatchObject({ code: 'format/bad-index' });
  });

  it('reads a header longer than its first read', async () => {
    const tensors = Array.from({ length: 3000 }, (_, index) => ({
      name: `model.layers.${index}.a.rather.long.name.weight`,
      dtype: 'U8' as const,
      shape: [1],
      bytes: Uint8Array.of(index & 0xff),
    }));
    const file = encodeSafetensors(tensors);
    expect(file.byteLength).toBeGreaterThan(2 * 65536);
    const checkpoint = await openCheckpoint(
      memoryFiles('m', new Map([['model.safetensors', file]])),
    );
    expect(await checkpoint.read('model.layers.2999.a.rather.long.name.weight')).toEqual(
      Uint8Array.of(2999 & 0xff),
    );
  });

  it('says which file, shard or tensor is missing', async () => {
    await expect(openCheckpoint(memoryFiles('m', new Map()))).rejects.toMatchObject({
      code: 'source/missing-file',
      message: expect.stringContaining('model.safetensors') as string,
    });
    await expect(
      openCheckpoint(memoryFiles('m', sharded([['a', 'three.safetensors']]))),
    ).rejects.toMatchObject({
      code: 'source/missing-file',
      message: expect.stringContaining('three.safetensors') as string,
    });
    await expect(
      openCheckpoint(memoryFiles('m', sharded([['b', 'one.safetensors']]))),
    ).rejects.toMatchObject({
      code: 'format/bad-index',
      message: expect.stringContaining('"b"') as string,
    });
  });

  it('refuses a file with a header of 2^40 bytes', async () => {
    const file = new Uint8Array(64);
    new DataView(file.buffer).setBigUint64(0, 2n ** 40n, true);
    const files = memoryFiles('m', new Map([['model.safetensors', file]]));
    await expect(openCheckpoint(files)).rejects.toMatchObject({
      code: 'format/too-large',
      message: expect.stringContaining('m/model.safetensors') as string,
    });
  });
});
