import { describe, expect, it } from 'vitest';
import type { PlannedTensor } from '../../../src/engine/plan';
import { layOutShards, parseByteSize } from '../../../src/engine/shards';
import { tinyModel } from './tiny-models';

async function tensors(...sizes: readonly number[]): Promise<PlannedTensor[]> {
  const model = await tinyModel('base');
  return sizes.map((sizeBytes, index) => {
    const info = { name: `t${index}`, dtype: 'U8', shape: [sizeBytes], sizeBytes } as const;
    return { kind: 'copy', ...info, source: { ...info, model } };
  });
}

const pathsAndNames = async (
  sizes: readonly number[],
  maxShardBytes: number,
): Promise<readonly [string, string][]> =>
  layOutShards(await tensors(...sizes), maxShardBytes).map((shard) => [
    shard.path,
    shard.tensors.map(({ name }) => name).join(' '),
  ]);

describe('layOutShards', () => {
  it('begins a shard where a tensor does not fit and gives a large one its own', async () => {
    expect(await pathsAndNames([4, 4, 3, 20, 1], 10)).toEqual([
      ['model-00001-of-00004.safetensors', 't0 t1'],
      ['model-00002-of-00004.safetensors', 't2'],
      ['model-00003-of-00004.safetensors', 't3'],
      ['model-00004-of-00004.safetensors', 't4'],
    ]);
    expect(await pathsAndNames([20, 1], 10)).toHaveLength(2);
  });

  it('makes one file when all fits, when there is no limit, and when there is nothing', async () => {
    const single = 'model.safetensors';
    expect(await pathsAndNames([4, 6], 10)).toEqual([[single, 't0 t1']]);
    expect(await pathsAndNames([40, 60], 0)).toEqual([[single, 't0 t1']]);
    expect(await pathsAndNames([40, 60], -1)).toEqual([[single, 't0 t1']]);
    expect(await pathsAndNames([], 10)).toEqual([[single, '']]);
  });
});

describe('parseByteSize', () => {
  it.each([
    ['5000000000', 5e9],
    ['700k', 7e5],
    ['32M', 32e6],
    ['5b', 5e9],
    ['0', 0],
    ['-1', -1],
  ])('reads %s in bytes', (text, sizeBytes) => {
    expect(parseByteSize(text, 'shard')).toBe(sizeBytes);
  });

  it.each(['5GB', '1.5B', '', 'b', '99999999999999999'])('refuses %j', (text) => {
    expect(() => parseByteSize(text, 'shard')).toThrow(
      expect.objectContaining({ code: 'cli/usage' }) as Error,
    );
  });
});
