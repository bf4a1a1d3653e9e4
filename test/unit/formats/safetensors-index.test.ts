import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import {
  formatSafetensorsIndex,
  parseSafetensorsIndex,
  shardFileName,
} from '../../../src/formats/safetensors-index';

const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

describe('the index of a sharded checkpoint', () => {
  it('reads what it writes', () => {
    const shardOf = new Map([
      ['b', shardFileName(1, 2)],
      ['a', shardFileName(2, 2)],
      ['c', shardFileName(1, 2)],
    ]);
    const index = parseSafetensorsIndex(encode(formatSafetensorsIndex(shardOf, 123)), 'i.json');
    expect([...index.shardOf]).toEqual([...shardOf]);
    expect(index.shardPaths).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
    ]);
    expect(index.totalSizeBytes).toBe(123);
  });

  it('names a single shard without numbers', () => {
    expect(shardFileName(1, 1)).toBe('model.safetensors');
  });

  it.each([
    '[]',
    '{}',
    '{"weight_map":[]}',
    '{"weight_map":{}}',
    '{"weight_map":{"a":1}}',
    '{"weight_map":{"a":""}}',
    '{"weight_map":{"a":"../secret.safetensors"}}',
    '{"weight_map":{"a":"/etc/passwd"}}',
    '{"weight_map":{"a":"x//y"}}',
    '{"weight_map":{"a":"C:\\\\x"}}',
    '{"weight_map":{"a":"x","a":"y"}}',
    '{"weight_map":',
  ])('rejects %s', (text) => {
    let code = '';
    try {
      parseSafetensorsIndex(encode(text), 'i.json');
    } catch (error) {
      if (error instanceof LabError) code = error.code;
    }
    expect(code).toBe('format/bad-index');
  });

  it('rejects more shards than any model has', () => {
    const weight_map = Object.fromEntries(
      Array.from({ length: 10_001 }, (_, index) => [`t${index}`, `s${index}.safetensors`]),
    );
    expect(() => parseSafetensorsIndex(encode({ weight_map }), 'i.json')).toThrow(/shards/);
  });
});
