import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { parseGgufHeader, type GgufHeader } from '../../../src/formats/gguf-header';
import { GgufText } from './gguf-text';

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../fixtures/gguf/${name}`, import.meta.url)));
}

function headerOf(bytes: Uint8Array, sizeBytes = bytes.byteLength): GgufHeader {
  const result = parseGgufHeader(bytes, sizeBytes, 'm.gguf');
  if (result.kind === 'header') return result.header;
  throw new Error(`it needs ${String(result.endBytes)} bytes`);
}

function failureOf(bytes: Uint8Array, sizeBytes?: number): LabError {
  try {
    headerOf(bytes, sizeBytes);
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('parseGgufHeader', () => {
  it('reads every type of value that gguf-py writes', () => {
    const { version, metadata, tensors, dataBeginBytes } = headerOf(fixture('fields.gguf'));
    const field = (name: string): unknown => metadata.get(`test.${name}`);
    expect(version).toBe(3);
    expect(tensors.size).toBe(0);
    expect(dataBeginBytes % 64).toBe(0);
    expect(metadata.get('general.architecture')).toBe('llama');
    expect([field('u8'), field('i8'), field('u16'), field('i16')]).toEqual([
      255, -128, 65535, -32768,
    ]);
    expect([field('u32'), field('i32')]).toEqual([4294967295, -2147483648]);
    expect([field('u64'), field('i64')]).toEqual([2 ** 53 - 1, 1 - 2 ** 53]);
    expect([field('f32'), field('f64')]).toEqual([Math.fround(0.1), 0.1]);
    expect([field('bool'), field('text')]).toEqual([true, 'ä → 🦙']);
    expect(field('texts')).toEqual({ itemCount: 3, items: ['a', '', 'ü'] });
    expect(field('numbers')).toEqual({ itemCount: 3, items: [1, -2, 3] });
    expect(field('long')).toEqual({ itemCount: 5000, items: undefined });
  });

  it('places tensors as gguf-py wrote them, and asks for more bytes until it has them', () => {
    const file = fixture('llama.gguf');
    let sizeBytes = 0;
    let asked = 0;
    for (;;) {
      const result = parseGgufHeader(file.subarray(0, sizeBytes), file.byteLength, 'm.gguf');
      if (result.kind === 'header') break;
      expect(result.endBytes).toBeGreaterThan(sizeBytes);
      sizeBytes = result.endBytes;
      asked += 1;
    }
    expect(asked).toBeGreaterThan(100);
    const { tensors, dataBeginBytes } = headerOf(file);
    const norm = tensors.get('output_norm.weight');
    expect(norm).toMatchObject({ type: 'F32', shape: [64], sizeBytes: 256 });
    expect(tensors.get('blk.1.ffn_down.weight')?.shape).toEqual([64, 256]);
    expect(Math.min(...[...tensors.values()].map((tensor) => tensor.beginBytes))).toBe(
      dataBeginBytes,
    );
  });

  const tensor = { name: 't', lengths: [32], type: 8, offset: 0 };
  const good = (): GgufText => new GgufText({ fields: 0, tensors: 1 }).tensor(tensor);

  it('takes what it should: version 2, no tensors, a scalar', () => {
    expect(headerOf(good().file(34)).tensors.get('t')?.sizeBytes).toBe(34);
    expect(headerOf(new GgufText({ version: 2 }).file(0)).version).toBe(2);
    const scalar = new GgufText({ tensors: 1 }).tensor({ ...tensor, lengths: [], type: 0 }).file(4);
    expect(headerOf(scalar).tensors.get('t')).toMatchObject({ shape: [], sizeBytes: 4 });
  });

  const failures: [string, Uint8Array, string, string][] = [
    ['another magic', new GgufText({ magic: 0x46554748 }).file(0), 'format/bad-header', 'GGUF'],
    ['version 1', new GgufText({ version: 1 }).file(0), 'format/bad-header', 'version 1'],
    [
      'big-endian files',
      new GgufText({ version: 3 * 2 ** 24 }).file(0),
      'format/bad-header',
      'big-endian',
    ],
    ['too many tensors', new GgufText({ tensors: 2 ** 40 }).file(0), 'format/too-large', 'tensors'],
    ['too many fields', new GgufText({ fields: 2 ** 40 }).file(0), 'format/too-large', 'fields'],
    [
      'a text longer than any',
      new GgufText({ fields: 1 }).u64(2 ** 50).file(0),
      'format/too-large',
      'name of field 1',
    ],
    [
      'a text longer than the file',
      new GgufText({ fields: 1 }).u64(1000).file(0),
      'format/truncated',
      'name of field 1',
    ],
    [
      'a field twice',
      new GgufText({ fields: 2 }).text('a').u32(4).u32(1).text('a').u32(4).u32(1).file(0),
      'format/bad-header',
      '"a"',
    ],
    [
      'values of an unknown type',
      new GgufText({ fields: 1 }).text('a').u32(13).file(0),
      'format/bad-header',
      'type 13',
    ],
    [
      'lists of lists',
      new GgufText({ fields: 1 }).text('a').u32(9).u32(9).u64(1).file(0),
      'format/bad-header',
      'type 9',
    ],
    [
      'lists longer than any',
      new GgufText({ fields: 1 })
        .text('a')
        .u32(9)
        .u32(0)
        .u64(2 ** 41)
        .file(0),
      'format/too-large',
      'items',
    ],
    [
      'lists longer than the file',
      new GgufText({ fields: 1 })
        .text('a')
        .u32(9)
        .u32(0)
        .u64(2 ** 21)
        .file(0),
      'format/truncated',
      '"a"',
    ],
    [
      'text that is not UTF-8',
      new GgufText({ fields: 1 }).u64(1).bytes(0xff).u32(4).u32(1).file(0),
      'format/bad-header',
      'UTF-8',
    ],
    [
      'an alignment that is no power of two',
      new GgufText({ fields: 1 }).text('general.alignment').u32(4).u32(48).file(0),
      'format/bad-header',
      'general.alignment',
    ],
    [
      'types that it does not read',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, type: 16 }).file(34),
      'format/bad-dtype',
      'IQ2_XXS',
    ],
    [
      'types that there are not',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, type: 4 }).file(34),
      'format/bad-dtype',
      'type 4',
    ],
    [
      'more than four axes',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, lengths: [1, 1, 1, 1, 1] }).file(34),
      'format/bad-header',
      '5 axes',
    ],
    [
      'axes that are too long',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, lengths: [2 ** 41] }).file(34),
      'format/too-large',
      'axis',
    ],
    [
      'too many elements',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, lengths: [2 ** 39, 2 ** 39] }).file(34),
      'format/bad-header',
      'too many elements',
    ],
    [
      'rows that are no whole blocks',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, lengths: [33] }).file(80),
      'format/bad-header',
      'rows of 33',
    ],
    [
      'offsets that are not aligned',
      new GgufText({ tensors: 1 }).tensor({ ...tensor, offset: 8 }).file(80),
      'format/bad-offset',
      '"t"',
    ],
    [
      'two tensors of one name',
      new GgufText({ tensors: 2 })
        .tensor(tensor)
        .tensor({ ...tensor, offset: 64 })
        .file(200),
      'format/bad-header',
      'occurs twice',
    ],
    [
      'tensors that overlap',
      new GgufText({ tensors: 2 })
        .tensor(tensor)
        .tensor({ ...tensor, name: 'u', offset: 32 })
        .file(200),
      'format/bad-offset',
      'overlaps tensor "t"',
    ],
    ['tensors beyond the end', good().file(33), 'format/truncated', '"t"'],
  ];
  it.each(failures)('refuses %s', (_, bytes, code, part) => {
    const failure = failureOf(bytes);
    expect(failure.code).toBe(code);
    expect(failure.message).toContain('m.gguf');
    expect(failure.message).toContain(part);
  });

  it('refuses a header above the cap before it asks for it', () => {
    // 30,000 texts of 4 MB each: every one is within its own cap.
    const many = new GgufText({ fields: 1 })
      .text('a')
      .u32(9)
      .u32(8)
      .u64(30_000)
      .u64(2 ** 22);
    const one = many.file(0);
    const first = parseGgufHeader(one, 2e11, 'm.gguf');
    expect(first).toEqual({ kind: 'needs', endBytes: one.byteLength + 2 ** 22 });
    const large = new Uint8Array(128_000_000 - 2 ** 21);
    large.set(one);
    const view = new DataView(large.buffer);
    for (let at = one.byteLength - 8; at + 8 < large.byteLength; at += 8 + 2 ** 22) {
      view.setBigUint64(at, 2n ** 22n, true);
    }
    expect(failureOf(large, 2e11).code).toBe('format/too-large');
  });
});
