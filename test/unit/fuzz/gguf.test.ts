import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeGgufBlocks } from '../../../src/formats/gguf-blocks';
import { parseGgufHeader } from '../../../src/formats/gguf-header';
import { ggufTypes, type GgufType } from '../../../src/formats/gguf-types';
import type { ModelFile } from '../../../src/sources/model-files';
import { openModel } from '../../../src/sources/open-model';
import { GgufText } from '../formats/gguf-text';
import { asyncOutcomeOf, fuzzParameters, fuzzTimeoutMs, outcomeOf } from './fuzzing';
import { damaged } from './mutations';

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../fixtures/gguf/${name}`, import.meta.url)));
}

const codes = /^format\/(bad-header|bad-dtype|bad-offset|too-large|truncated)$/;
const openCodes =
  /^(format\/(bad-header|bad-dtype|bad-offset|bad-index|bad-config|too-large|truncated)|model\/unsupported|source\/missing-file)$/;

/** A whole model of one layer in a few kilobytes: most of its bytes are header. */
const tinyModel = tinyLlama();
/** Headers of files whose data is not looked at. */
const headers = ['llama.gguf', 'gemma2.gguf', 'fields.gguf'].map((name) => {
  const file = fixture(name);
  const result = parseGgufHeader(file, file.byteLength, name);
  if (result.kind === 'needs') throw new Error(`${name} is cut`);
  return file.slice(0, result.header.dataBeginBytes);
});

describe('a damaged GGUF file', () => {
  it('was whole before', async () => {
    const file = countedFile(tinyModel, []);
    const { checkpoint } = await openModel({ label: 'm', files: new Map([[file.path, file]]) });
    expect(checkpoint.tensors.size).toBe(7);
    for (const bytes of headers) {
      expect(parseGgufHeader(bytes, 1e12, 'm.gguf').kind).toBe('header');
    }
  });

  it(
    'has a header that is read, or refused with a code, or goes on behind the bytes at hand',
    () => {
      fc.assert(
        fc.property(damaged([...headers, tinyModel]), fc.boolean(), (bytes, isPrefix) => {
          const sizeBytes = isPrefix ? 1e12 : bytes.byteLength;
          const outcome = outcomeOf(() => parseGgufHeader(bytes, sizeBytes, 'm.gguf'), codes);
          if (outcome.kind === 'refused') return;
          if (outcome.value.kind === 'needs') {
            expect(outcome.value.endBytes).toBeGreaterThan(bytes.byteLength);
            expect(outcome.value.endBytes).toBeLessThanOrEqual(128_000_000);
            return;
          }
          for (const tensor of outcome.value.header.tensors.values()) {
            expect(tensor.beginBytes + tensor.sizeBytes).toBeLessThanOrEqual(sizeBytes);
          }
        }),
        fuzzParameters(25_000),
      );
    },
    fuzzTimeoutMs,
  );

  it(
    'is opened and read, or refused with a code, by reads inside the file',
    async () => {
      await fc.assert(
        fc.asyncProperty(damaged([tinyModel]), async (bytes) => {
          const reads: number[] = [];
          const outcome = await asyncOutcomeOf(async () => {
            const file = countedFile(bytes, reads);
            const { checkpoint } = await openModel({
              label: 'm',
              files: new Map([[file.path, file]]),
            });
            let readBytes = 0;
            for (const [name, { sizeBytes, shape }] of checkpoint.tensors) {
              // Zeros in a shape can make a list of empty tensors, never one larger than the file.
              expect(shape.reduce((product, length) => product * length, 4)).toBe(sizeBytes);
              const read = await checkpoint.read(name);
              expect(read.byteLength).toBe(sizeBytes);
              readBytes += read.byteLength;
            }
            return readBytes;
          }, openCodes);
          // Four bytes for at least four bits, and no byte twice.
          if (outcome.kind === 'read') expect(outcome.value).toBeLessThan(bytes.byteLength * 8);
          expect(Math.max(0, ...reads)).toBeLessThanOrEqual(bytes.byteLength);
        }),
        fuzzParameters(6_000),
      );
    },
    fuzzTimeoutMs,
  );

  it(
    'is refused or read when every part of it is a choice',
    () => {
      const size = fc.oneof(
        fc.nat(300),
        fc.constantFrom(2 ** 32, 2 ** 40, 2 ** 53, 2 ** 62, 2 ** 64 - 2048),
      );
      const name = fc.oneof(
        fc.constantFrom('token_embd.weight', 'general.alignment', '__proto__', ''),
        fc.string({ maxLength: 12 }),
      );
      const tensor = fc.record({
        name,
        lengths: fc.array(size, { maxLength: 5 }),
        type: fc.oneof(fc.nat(45), fc.constant(2 ** 32 - 1)),
        offset: fc.oneof(
          fc.nat(10).map((unit) => unit * 32),
          size,
        ),
      });
      const field = fc.tuple(name, fc.nat(14), fc.uint8Array({ maxLength: 24 }));
      const parts = fc.record({
        version: fc.constantFrom(2, 3, 3, 3, 1, 4),
        fields: fc.array(field, { maxLength: 4 }),
        tensors: fc.array(tensor, { maxLength: 5 }),
        dataBytes: fc.nat(4096),
      });
      fc.assert(
        fc.property(parts, ({ version, fields, tensors, dataBytes }) => {
          const text = new GgufText({ version, fields: fields.length, tensors: tensors.length });
          for (const [key, type, value] of fields) {
            text
              .text(key)
              .u32(type)
              .bytes(...value);
          }
          for (const info of tensors) text.tensor(info);
          const bytes = text.file(dataBytes);
          outcomeOf(() => parseGgufHeader(bytes, bytes.byteLength, 'm.gguf'), codes);
        }),
        fuzzParameters(10_000),
      );
    },
    fuzzTimeoutMs,
  );

  it(
    'has blocks that are numbers whatever their bytes are',
    () => {
      const types = Object.keys(ggufTypes) as GgufType[];
      fc.assert(
        fc.property(fc.constantFrom(...types), fc.nat(), fc.nat(3), (type, start, blockCount) => {
          const { valuesPerBlock, bytesPerBlock } = ggufTypes[type];
          const bytes = noise(start, blockCount * bytesPerBlock);
          const values = new Float32Array(blockCount * valuesPerBlock);
          outcomeOf(() => {
            decodeGgufBlocks(type, bytes, values);
          }, codes);
        }),
        fuzzParameters(10_000),
      );
    },
    fuzzTimeoutMs,
  );
});

/** Bytes of an xorshift generator: fast-check is slow at arrays. */
function noise(start: number, length: number): Uint8Array {
  let state = (start | 1) >>> 0;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}

function countedFile(bytes: Uint8Array, reads: number[]): ModelFile {
  return {
    path: 'm.gguf',
    sizeBytes: bytes.byteLength,
    read: async (offsetBytes, lengthBytes) => {
      reads.push(lengthBytes);
      expect(offsetBytes + lengthBytes).toBeLessThanOrEqual(bytes.byteLength);
      return Promise.resolve(bytes.slice(offsetBytes, offsetBytes + lengthBytes));
    },
  };
}

function tinyLlama(): Uint8Array {
  const numbers: Readonly<Record<string, number>> = {
    block_count: 1,
    context_length: 64,
    embedding_length: 32,
    feed_forward_length: 32,
    'attention.head_count': 4,
    'attention.head_count_kv': 2,
  };
  const shapes: readonly (readonly [string, readonly number[], number, number])[] = [
    ['token_embd.weight', [32, 4], 8, 136],
    ['output_norm.weight', [32], 0, 128],
    ['blk.0.attn_norm.weight', [32], 0, 128],
    ['blk.0.attn_q.weight', [32, 32], 2, 576],
    ['blk.0.attn_k.weight', [32, 16], 3, 320],
    ['blk.0.attn_k.bias', [16], 0, 64],
    ['blk.0.attn_v.weight', [32, 16], 1, 1024],
    ['rope_freqs.weight', [4], 0, 16],
  ];
  const fieldCount = Object.keys(numbers).length + 3;
  const text = new GgufText({ fields: fieldCount, tensors: shapes.length });
  text.text('general.architecture').u32(8).text('llama');
  text.text('general.license').u32(8).text('mit');
  for (const [key, value] of Object.entries(numbers)) text.text(`llama.${key}`).u32(4).u32(value);
  // 1e-5 as float32.
  text.text('llama.attention.layer_norm_rms_epsilon').u32(6).u32(0x3727c5ac);
  let offset = 0;
  for (const [name, lengths, type, sizeBytes] of shapes) {
    text.tensor({ name, lengths, type, offset });
    offset += Math.ceil(sizeBytes / 32) * 32;
  }
  return text.file(offset);
}
