import { describe, expect, it } from 'vitest';
import { dtypeSizesBytes, type Dtype } from '../../../src/core/dtype';
import { LabError } from '../../../src/core/errors';
import { headerJsonSize, parseSafetensorsHeader } from '../../../src/formats/safetensors-header';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';

const encoder = new TextEncoder();

/** Parses header JSON as if the file had `dataBytes` bytes of data after it. */
function parse(header: unknown, dataBytes: number): ReturnType<typeof parseSafetensorsHeader> {
  const json = encoder.encode(typeof header === 'string' ? header : JSON.stringify(header));
  return parseSafetensorsHeader(json, 8 + json.byteLength + dataBytes, 'm/model.safetensors');
}

function failureOf(run: () => unknown): LabError {
  try {
    run();
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const tensor = (
  shape: unknown,
  offsets: unknown,
  dtype: unknown = 'F32',
): Record<string, unknown> => ({ dtype, shape, data_offsets: offsets });

describe('parseSafetensorsHeader', () => {
  it('reads every dtype, scalars, empty tensors and metadata', () => {
    const header: Record<string, unknown> = { __metadata__: { format: 'pt', note: 'é' } };
    let offset = 0;
    for (const [dtype, sizeBytes] of Object.entries(dtypeSizesBytes)) {
      header[`t.${dtype}`] = tensor([3, 5], [offset, offset + 15 * sizeBytes], dtype);
      offset += 15 * sizeBytes;
    }
    header['scalar'] = tensor([], [offset, offset + 4]);
    header['empty'] = tensor([4, 0], [offset + 4, offset + 4]);
    const parsed = parse(header, offset + 4);
    expect(parsed.tensors.size).toBe(Object.keys(dtypeSizesBytes).length + 2);
    expect(parsed.tensors.get('t.F64')?.sizeBytes).toBe(120);
    expect(parsed.tensors.get('scalar')?.sizeBytes).toBe(4);
    expect(parsed.tensors.get('empty')?.sizeBytes).toBe(0);
    expect(parsed.metadata.get('note')).toBe('é');
  });

  it('accepts names in another order than their bytes, and trailing spaces', () => {
    const text = `${JSON.stringify({ b: tensor([1], [4, 8]), a: tensor([1], [0, 4]) })}   `;
    expect([...parse(text, 8).tensors.keys()]).toEqual(['a', 'b']);
  });

  const offsetFailures: [string, unknown, number, string][] = [
    ['overlapping tensors', { a: tensor([2], [0, 8]), b: tensor([2], [4, 12]) }, 12, 'b'],
    ['a gap', { a: tensor([1], [0, 4]), b: tensor([1], [8, 12]) }, 12, 'b'],
    ['a gap at the beginning', { a: tensor([1], [4, 8]) }, 8, 'a'],
    ['reversed offsets', { a: tensor([1], [4, 0]) }, 4, 'a'],
    ['negative offsets', { a: tensor([1], [-4, 0]) }, 4, 'a'],
    ['fractional offsets', { a: tensor([1], [0.5, 4.5]) }, 4, 'a'],
    ['huge offsets', { a: tensor([1], [0, 2 ** 60]) }, 4, 'a'],
    ['text as offsets', { a: tensor([1], ['0', '4']) }, 4, 'a'],
    ['three offsets', { a: tensor([1], [0, 4, 8]) }, 4, 'a'],
    ['a length that is not shape × dtype', { a: tensor([3], [0, 8]) }, 8, 'a'],
  ];
  it.each(offsetFailures)('rejects %s and names the tensor', (_case, header, dataBytes, name) => {
    const error = failureOf(() => parse(header, dataBytes));
    expect(error.code).toBe('format/bad-offset');
    expect(error.message).toContain(`"${name}"`);
    expect(error.message).toContain('m/model.safetensors');
  });

  it('tells a cut file from a wrong offset', () => {
    const error = failureOf(() => parse({ a: tensor([2], [0, 8]) }, 7));
    expect(error.code).toBe('format/truncated');
    expect(error.message).toContain('"a"');
    expect(failureOf(() => parse({ a: tensor([2], [0, 8]) }, 9)).code).toBe('format/bad-offset');
  });

  it.each(['F4', 'float32', '', 'bf16', '__proto__', 7, null, ['F32']])(
    'rejects the dtype %j',
    (dtype) => {
      const error = failureOf(() => parse({ 'w.1': tensor([1], [0, 4], dtype) }, 4));
      expect(error.code).toBe('format/bad-dtype');
      expect(error.message).toContain('"w.1"');
    },
  );

  it.each([
    [[-1]],
    [[1.5]],
    [[2 ** 41]],
    [[2 ** 30, 2 ** 30]],
    [[2 ** 40, 2 ** 40, 0]],
    ['12'],
    [[null]],
    [{}],
    [Array.from({ length: 33 }, () => 1)],
  ])('rejects the shape %j', (shape) => {
    const error = failureOf(() => parse({ a: tensor(shape, [0, 4]) }, 4));
    expect(error.code).toBe('format/bad-header');
    expect(error.message).toContain('"a"');
  });

  it.each(['{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', '{"a":', '{"a" 1}', '{]'])(
    'rejects %s, which is not JSON',
    (text) => {
      expect(failureOf(() => parse(text, 4)).code).toBe('format/bad-header');
    },
  );

  it('rejects a name that occurs twice, escaped or not', () => {
    const one = JSON.stringify(tensor([1], [0, 4]));
    const two = JSON.stringify(tensor([1], [4, 8]));
    for (const text of [`{"a":${one},"a":${two}}`, `{"a":${one},"\\u0061":${two}}`]) {
      const error = failureOf(() => parse(text, 8));
      expect(error.code).toBe('format/bad-header');
      expect(error.message).toContain('"a" twice');
    }
  });

  it('rejects what is not an object, not UTF-8, or nested too deep', () => {
    expect(failureOf(() => parse('[1]', 0)).code).toBe('format/bad-header');
    expect(failureOf(() => parse({ a: 3 }, 0)).code).toBe('format/bad-header');
    expect(failureOf(() => parse({ __metadata__: 3 }, 0)).code).toBe('format/bad-header');
    expect(failureOf(() => parse({ __metadata__: { a: 3 } }, 0)).code).toBe('format/bad-header');
    const latin1 = Uint8Array.of(0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d);
    const error = failureOf(() => parseSafetensorsHeader(latin1, 15, 'x.safetensors'));
    expect(error.message).toContain('not UTF-8');
    const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(failureOf(() => parse(deep, 0)).message).toContain('levels deep');
  });

  it('keeps names such as __proto__ apart from the prototype', () => {
    const one = JSON.stringify(tensor([1], [0, 4]));
    expect(parse(`{"__proto__":${one}}`, 4).tensors.get('__proto__')?.sizeBytes).toBe(4);
  });
});

describe('headerJsonSize', () => {
  const first = (length: bigint): Uint8Array => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };

  it.each([2n ** 40n, 2n ** 64n - 1n, 100_000_001n])('refuses a header of %d bytes', (length) => {
    const error = failureOf(() => headerJsonSize(first(length), 2 ** 50, 'f.safetensors'));
    expect(error.code).toBe('format/too-large');
    expect(error.message).toContain(String(length));
  });

  it('accepts the largest header of the format', () => {
    expect(headerJsonSize(first(100_000_000n), 2 ** 30, 'f')).toBe(100_000_000);
  });

  it('refuses a file that ends in its header or before', () => {
    expect(failureOf(() => headerJsonSize(first(100n), 50, 'f')).code).toBe('format/truncated');
    expect(failureOf(() => headerJsonSize(new Uint8Array(3), 3, 'f')).code).toBe(
      'format/truncated',
    );
  });
});

describe('encodeSafetensors', () => {
  it('writes what the parser reads, with an aligned header', () => {
    const dtypes = Object.keys(dtypeSizesBytes) as Dtype[];
    const tensors = dtypes.map((dtype, index) => ({
      name: `layer."${dtype}"\n`,
      dtype,
      shape: [index, 3],
      bytes: new Uint8Array(index * 3 * dtypeSizesBytes[dtype]).fill(index + 1),
    }));
    const file = encodeSafetensors(tensors, { format: 'pt', note: 'ü' });
    const jsonSizeBytes = headerJsonSize(file.subarray(0, 8), file.byteLength, 'f');
    expect(jsonSizeBytes % 8).toBe(0);
    const json = file.subarray(8, 8 + jsonSizeBytes);
    const header = parseSafetensorsHeader(json, file.byteLength, 'f');
    expect(header.metadata.get('note')).toBe('ü');
    for (const { name, dtype, shape, bytes } of tensors) {
      const entry = header.tensors.get(name);
      expect(entry).toMatchObject({ dtype, shape, sizeBytes: bytes.byteLength });
      const begin = entry?.beginBytes ?? -1;
      expect(file.subarray(begin, begin + bytes.byteLength)).toEqual(bytes);
    }
  });
});
