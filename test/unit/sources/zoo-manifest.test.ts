import { describe, expect, it } from 'vitest';
import { parseZooManifest } from '../../../src/sources/zoo-manifest';

const hash = 'ab'.repeat(32);
const model = (path: string): Record<string, unknown> => ({
  title: path.toUpperCase(),
  path,
  sizeBytes: 3,
  files: [{ path: 'config.json', sizeBytes: 3, sha256: hash }],
});
const good = {
  version: 1,
  base: 'base',
  specialists: ['math'],
  models: { base: model('base'), math: { ...model('math'), domain: 'math' } },
  items: { math: { path: 'items/math.jsonl', count: 300 } },
};

const parse = (value: unknown): ReturnType<typeof parseZooManifest> =>
  parseZooManifest(new TextEncoder().encode(JSON.stringify(value)));

describe('parseZooManifest', () => {
  it('reads models, files and items', () => {
    const manifest = parse(good);
    expect(manifest.base).toBe('base');
    expect(manifest.specialists).toEqual(['math']);
    expect(manifest.models.get('math')).toMatchObject({
      id: 'math',
      title: 'MATH',
      sizeBytes: 3,
      raw: { domain: 'math' },
    });
    expect(manifest.items.get('math')).toEqual({ path: 'items/math.jsonl', count: 300 });
  });

  const file = { path: 'config.json', sizeBytes: 3, sha256: hash };
  const withFile = (changed: object): unknown => ({
    ...good,
    models: { ...good.models, base: { ...model('base'), files: [{ ...file, ...changed }] } },
  });
  it.each([
    ['another version', { ...good, version: 2 }],
    ['no base', { ...good, base: undefined }],
    ['a base that is not there', { ...good, base: 'x' }],
    ['a specialist that is not there', { ...good, specialists: ['law'] }],
    ['the base as specialist', { ...good, specialists: ['base'] }],
    ['a path that climbs', withFile({ path: '../x' })],
    ['a path to elsewhere', withFile({ path: 'https://example.org/x' })],
    ['a short hash', withFile({ sha256: 'ab' })],
    ['a negative size', withFile({ sizeBytes: -1 })],
    ['a size of 2^40', withFile({ sizeBytes: 2 ** 40 })],
    ['items without a count', { ...good, items: { math: { path: 'x' } } }],
  ])('rejects %s', (_case, value) => {
    let error: unknown;
    try {
      parse(value);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'format/bad-index' });
  });
});
