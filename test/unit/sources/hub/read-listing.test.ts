import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../../src/core/errors';
import {
  readListing,
  readSearchResults,
  readTreePage,
} from '../../../../src/sources/hub/read-listing';

const place = { endpoint: 'https://hub.test', repo: 'lab/model' };
const sha = 'a'.repeat(64);
const oid = 'b'.repeat(40);

const listing = {
  id: 'lab/model',
  sha: oid,
  gated: 'manual',
  tags: ['license:gemma', 'base_model:merge:lab/base', 'base_model:lab/base'],
  cardData: { license: 'other', license_name: 'house-rules' },
  safetensors: { parameters: { BF16: 10, F32: 2 }, total: 12 },
  siblings: [
    { rfilename: 'config.json', size: 20, blobId: oid },
    { rfilename: 'model.safetensors', size: 28, blobId: oid, lfs: { sha256: sha, size: 28 } },
  ],
};
const tree = [
  { type: 'directory', oid, path: 'onnx' },
  { type: 'file', oid, size: 28, path: 'model.safetensors', lfs: { oid: sha, size: 28 } },
];
const found = [
  { id: 'lab/model', gated: false, downloads: 5, tags: [], safetensors: listing.safetensors },
];

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('what the Hub answers', () => {
  it('is read with its own licence name, gate and bases', () => {
    expect(
      readListing(bytesOf(listing), place, 'main', 'https://hub.test/lab/model'),
    ).toMatchObject({
      commit: oid,
      gate: 'manual',
      licence: 'house-rules',
      parameterCount: 12,
      baseModels: ['lab/base'],
      files: [
        { path: 'config.json', sizeBytes: 20, key: `git:${oid}` },
        { path: 'model.safetensors', sizeBytes: 28, key: `sha256:${sha}` },
      ],
    });
    expect(readTreePage(bytesOf(tree), place)).toEqual([
      { path: 'model.safetensors', sizeBytes: 28, key: `sha256:${sha}` },
    ]);
    expect(readSearchResults(bytesOf(found))[0]).toMatchObject({ weightBytes: 28, gated: false });
  });

  it.each([
    ['a description', listing, (bytes: Uint8Array) => readListing(bytes, place, 'main', '')],
    ['a list of files', tree, (bytes: Uint8Array) => readTreePage(bytes, place)],
    ['an answer to a search', found, (bytes: Uint8Array) => readSearchResults(bytes)],
  ] as const)('is read or refused with a code when %s has any bytes', (_name, value, read) => {
    const whole = bytesOf(value);
    const changes = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(whole.byteLength), (edits, length) => {
        const bytes = whole.slice(0, length % 3 === 0 ? length : whole.byteLength);
        for (const [index, byte] of edits) if (index < bytes.byteLength) bytes[index] = byte;
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(LabError);
        }
      }),
      { numRuns: 1500 },
    );
  });
});
