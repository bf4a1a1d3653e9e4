import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dtypeSizesBytes, elementCountOf } from '../../../src/core/dtype';
import {
  headerJsonSize,
  parseSafetensorsHeader,
  type SafetensorsHeader,
} from '../../../src/formats/safetensors-header';
import {
  formatSafetensorsIndex,
  parseSafetensorsIndex,
} from '../../../src/formats/safetensors-index';
import { encodeSafetensors, layOutSafetensors } from '../../../src/formats/safetensors-writer';
import { fuzzParameters, fuzzTimeoutMs, outcomeOf } from './fuzzing';
import { damaged, jsonOf } from './mutations';

const encoder = new TextEncoder();
const headerCodes = /^format\/(bad-header|bad-dtype|bad-offset|truncated|too-large)$/;

function parse(file: Uint8Array): SafetensorsHeader {
  const jsonSizeBytes = headerJsonSize(file.subarray(0, 8), file.byteLength, 'm');
  return parseSafetensorsHeader(file.subarray(8, 8 + jsonSizeBytes), file.byteLength, 'm');
}

function checkHeader(file: Uint8Array): void {
  const outcome = outcomeOf(() => parse(file), headerCodes);
  if (outcome.kind === 'refused') return;
  const { tensors, metadata, headerSizeBytes } = outcome.value;
  let endBytes = headerSizeBytes;
  for (const { beginBytes, sizeBytes, shape, dtype } of tensors.values()) {
    expect(beginBytes).toBe(endBytes);
    expect(sizeBytes).toBe(elementCountOf(shape) * dtypeSizesBytes[dtype]);
    endBytes += sizeBytes;
  }
  expect(endBytes).toBe(file.byteLength);
  // Written again and read again it says the same.
  const layout = layOutSafetensors([...tensors.values()], Object.fromEntries(metadata));
  const again = new Uint8Array(layout.fileSizeBytes);
  again.set(layout.header);
  const { tensors: tensorsAgain } = parse(again);
  expect([...tensorsAgain.values()]).toEqual(
    [...tensors.values()].map((tensor) => ({
      ...tensor,
      beginBytes: tensor.beginBytes - headerSizeBytes + layout.header.byteLength,
    })),
  );
}

describe('a damaged safetensors header', () => {
  const seeds = [
    encodeSafetensors([
      { name: 'a.weight', dtype: 'BF16', shape: [4, 3], bytes: new Uint8Array(24) },
      { name: 'b.weight', dtype: 'F32', shape: [5], bytes: new Uint8Array(20) },
      { name: 'c', dtype: 'I64', shape: [], bytes: new Uint8Array(8) },
    ]),
    encodeSafetensors([{ name: 'e', dtype: 'F16', shape: [0, 7], bytes: new Uint8Array(0) }], {
      format: 'pt',
      é: '"\\',
    }),
    encodeSafetensors([]),
  ];

  it(
    'is read, or refused with a code',
    () => {
      for (const seed of seeds) expect(parse(seed).headerSizeBytes).toBeGreaterThan(8);
      fc.assert(fc.property(damaged(seeds), checkHeader), fuzzParameters(20_000));
    },
    fuzzTimeoutMs,
  );

  it(
    'is read or refused when every field is a choice',
    () => {
      const offset = fc.oneof(fc.nat(40), fc.constantFrom(-1, 0.5, 2 ** 53, 1e300));
      const tensor = jsonOf({
        dtype: fc.constantFrom('F32', 'BF16', 'I64', 'F8_E4M3', 'F4', 'toString'),
        shape: fc.array(fc.oneof(fc.nat(4), fc.constantFrom(2 ** 40, 2 ** 53, -1)), {
          maxLength: 4,
        }),
        data_offsets: fc.tuple(offset, offset),
      });
      const name = fc.constantFrom('a', 'b', '__metadata__', '__proto__', '', 'constructor');
      const header = fc.array(fc.tuple(name, tensor), { maxLength: 4 });
      fc.assert(
        fc.property(header, fc.nat(64), (tensors, dataBytes) => {
          const fields = tensors.map(([key, value]) => `${JSON.stringify(key)}:${value}`);
          const json = encoder.encode(`{${fields.join(',')}}`);
          const file = new Uint8Array(8 + json.byteLength + dataBytes);
          new DataView(file.buffer).setBigUint64(0, BigInt(json.byteLength), true);
          file.set(json, 8);
          checkHeader(file);
        }),
        fuzzParameters(8_000),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('a damaged safetensors index', () => {
  const seeds = [
    { metadata: { total_size: 12 }, weight_map: { a: 'model-1.safetensors', b: 'x/y' } },
    { weight_map: { 'model.layers.0.mlp.up_proj.weight': 'model-00001-of-00002.safetensors' } },
  ].map((index) => encoder.encode(JSON.stringify(index)));

  it(
    'is read, or refused with a code',
    () => {
      const path = fc.oneof(
        fc.constantFrom('a.safetensors', '../a', '/etc/passwd', 'C:\\a', 'a//b', '.', ''),
        fc.string({ maxLength: 8 }),
      );
      const built = jsonOf({
        metadata: fc.constant({ total_size: 1 }),
        weight_map: fc.dictionary(fc.string({ maxLength: 6 }), path, { maxKeys: 4 }),
      }).map((text) => encoder.encode(text));
      const codes = /^format\/(bad-index|too-large)$/;
      fc.assert(
        fc.property(fc.oneof(damaged(seeds), built), (bytes) => {
          const outcome = outcomeOf(() => parseSafetensorsIndex(bytes, 'm'), codes);
          if (outcome.kind === 'refused') return;
          const { shardOf, shardPaths } = outcome.value;
          expect(new Set(shardOf.values())).toEqual(new Set(shardPaths));
          for (const shard of shardPaths) {
            expect(shard).not.toMatch(/^\/|^[A-Za-z]:|(^|\/)\.\.?(\/|$)|\\/);
          }
          const again = parseSafetensorsIndex(
            encoder.encode(formatSafetensorsIndex(shardOf, 1)),
            'm',
          );
          expect(again.shardOf).toEqual(shardOf);
        }),
        fuzzParameters(10_000),
      );
    },
    fuzzTimeoutMs,
  );
});
