import { describe, expect, it } from 'vitest';
import { f32FromBits } from '../../../src/core/float-bits';
import { base, perModel, scalar, specialist } from '../../../src/expr/build';
import { add, mul, sumOverModels } from '../../../src/expr/build';
import { printMap } from '../../../src/expr/wgsl-kernel';
import { gridOf } from '../../../src/gpu/grid';
import { packParameters } from '../../../src/gpu/pack-parameters';

describe('gridOf', () => {
  it.each([1, 2, 65535, 65536, 100_000, 65535 * 3 + 1, 8_000_000])(
    'has room for %i workgroups within the limits',
    (count) => {
      const [x, y, z] = gridOf(count, 5);
      expect(x * y).toBeGreaterThanOrEqual(count);
      expect(x * y - count).toBeLessThan(x + y);
      expect(Math.max(x, y)).toBeLessThanOrEqual(65535);
      expect(z).toBe(5);
    },
  );
});

describe('packParameters', () => {
  it('writes words in the order of the struct that the shader declares', () => {
    const output = add(
      base,
      mul(scalar('lambda'), sumOverModels(mul(perModel('weight'), specialist))),
    );
    const kernel = printMap(output, 'BF16', { hasBase: true, dtypes: ['BF16', 'BF16', 'BF16'] });
    const slice = {
      backend: 'webgpu',
      tensorName: 't',
      tensorKey: 0xabcdef01,
      firstElement: 16384,
      elementCount: 100,
      specialistCount: 2,
      byteCount: 600,
    } as const;
    const bytes = packParameters(
      kernel.fields,
      slice,
      { inputs: [0, 50, 100], columns: new Map() },
      {
        seed: -1,
        scalars: { lambda: 0.1 },
        perModel: { weight: [1, -2] },
      },
      { first: 0, count: 1 },
    );
    const members = [...kernel.wgsl.matchAll(/^ {2}(\w+): (?:array<)?([fu]32)(?:, (\d)>)?,$/gm)];
    const names = members.map(([, name = '']) => name);
    expect(names.sort()).toEqual([...kernel.fields.map(({ name }) => name)].sort());
    const words = new Uint32Array(bytes.buffer);
    const find = (name: string): number => {
      let word = 0;
      for (const [, member, , length] of members) {
        if (member === name) return word;
        word += Number(length ?? 1);
      }
      return NaN;
    };
    expect(words[find('elementCount')]).toBe(100);
    expect(words[find('firstElement')]).toBe(16384);
    expect(words[find('seed')]).toBe(0xffffffff);
    expect(words[find('tensorKey')]).toBe(0xabcdef01);
    expect([...words.subarray(find('offset'), find('offset') + 3)]).toEqual([0, 50, 100]);
    expect(f32FromBits(words[find('lambda')] ?? 0)).toBe(Math.fround(0.1));
    expect(f32FromBits(words[find('weight') + 1] ?? 0)).toBe(-2);
  });
});
