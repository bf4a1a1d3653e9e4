import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeGgufBlocks } from '../../../src/formats/gguf-blocks';
import { ggufTypes, type GgufType } from '../../../src/formats/gguf-types';
import { headerJsonSize, parseSafetensorsHeader } from '../../../src/formats/safetensors-header';

const file = new Uint8Array(
  readFileSync(new URL('../../fixtures/gguf/blocks.safetensors', import.meta.url)),
);
const jsonSizeBytes = headerJsonSize(file, file.byteLength, 'blocks');
const header = parseSafetensorsHeader(
  file.subarray(8, 8 + jsonSizeBytes),
  file.byteLength,
  'blocks',
);

function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  const entry = header.tensors.get(name);
  if (entry === undefined) throw new Error(`the goldens have no ${name}`);
  return file.slice(entry.beginBytes, entry.beginBytes + entry.sizeBytes);
}

describe('decodeGgufBlocks', () => {
  it.each(Object.keys(ggufTypes) as GgufType[])('equals gguf-py to the bit for %s', (type) => {
    const expected = new Uint32Array(bytesOf(`${type}.values`).buffer);
    const values = new Float32Array(expected.length);
    decodeGgufBlocks(type, bytesOf(`${type}.bytes`), values);
    expect(expected.length).toBe(2048);
    expect(new Uint32Array(values.buffer)).toEqual(expected);
  });

  it('widens every half as gguf-py does', () => {
    const bytes = bytesOf('halves.bytes');
    const values = new Float32Array(bytes.byteLength / 2);
    decodeGgufBlocks('F16', bytes, values);
    const digest = createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
    expect(digest).toBe(Buffer.from(bytesOf('halves.sha256')).toString('hex'));
    expect(values.length).toBe(63_490);
  });

  it('refuses bytes that are not whole blocks', () => {
    expect(() => {
      decodeGgufBlocks('Q8_0', new Uint8Array(33), new Float32Array(32));
    }).toThrow('not whole blocks');
  });
});
