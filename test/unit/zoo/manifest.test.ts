import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { domainIds } from '../../../src/eval/tasks/task';
import { parseZooManifest } from '../../../src/sources/zoo-manifest';

const folder = new URL('../../../public/zoo/', import.meta.url);
const manifest = parseZooManifest(new Uint8Array(readFileSync(new URL('manifest.json', folder))));

describe("the zoo's manifest", () => {
  it('names the base, the five specialists and the items of all six domains', () => {
    expect(manifest.base).toBe('base');
    expect([...manifest.specialists].sort()).toEqual(
      domainIds.filter((domain) => domain !== 'general').sort(),
    );
    expect([...manifest.items.keys()].sort()).toEqual([...domainIds].sort());
  });

  it('states the size and hash that every file has, at most 48 MB in all', () => {
    let totalBytes = 0;
    for (const model of manifest.models.values()) {
      for (const file of model.files) {
        const bytes = readFileSync(new URL(`${model.path}/${file.path}`, folder));
        const label = `${model.id}/${file.path}`;
        expect([label, bytes.length]).toEqual([label, file.sizeBytes]);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
        totalBytes += bytes.length;
      }
    }
    expect(totalBytes).toBeLessThan(48e6);
  });

  it('counts the items that the files have', () => {
    for (const [, { path, count }] of manifest.items) {
      const lines = readFileSync(new URL(path, folder), 'utf8').trim().split('\n');
      expect(lines).toHaveLength(count);
    }
  });

  it('carries scores over all items in which every specialist is best in its own domain', () => {
    const fractionOf = (model: string, domain: string): number => {
      const scores = manifest.models.get(model)?.raw['scores'] as
        Record<string, { passed: number; count: number }> | undefined;
      const score = scores?.[domain];
      expect(score?.count).toBe(manifest.items.get(domain)?.count);
      return score === undefined ? NaN : score.passed / score.count;
    };
    for (const domain of manifest.specialists) {
      const own = fractionOf(domain, domain);
      for (const other of manifest.models.keys()) {
        if (other !== domain) expect(fractionOf(other, domain)).toBeLessThan(own);
      }
    }
  });
});
