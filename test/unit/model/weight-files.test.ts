import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { mountWeights } from '../../../src/model/weight-files';
import { memoryFiles } from '../../../src/sources/memory-files';
import type { ModelFile } from '../../../src/sources/model-files';

const bytes = Uint8Array.from({ length: 9_000_000 }, (_, index) => (index * 31) % 251);

/** A file that notes what is read of it. */
function watchedFile(): { readonly file: ModelFile; readonly lengths: number[] } {
  const lengths: number[] = [];
  const stored = memoryFiles('run', new Map([['data', bytes]])).files.get('data');
  if (stored === undefined) throw new Error('the file is there');
  const file: ModelFile = {
    ...stored,
    read: async (offsetBytes, lengthBytes, signal) => {
      lengths.push(lengthBytes);
      return stored.read(offsetBytes, lengthBytes, signal);
    },
  };
  return { file, lengths };
}

describe('mountWeights', () => {
  it('hands the JSPI build a blob that reads only what is asked for, in pieces', async () => {
    const { file, lengths } = watchedFile();
    const { externalData } = await mountWeights([{ path: 'w', data: file }], { build: 'jspi' });
    const data = externalData[0]?.data;
    if (!(data instanceof Blob)) throw new Error('the build takes blobs');
    expect(data.size).toBe(bytes.byteLength);
    expect(lengths).toEqual([]);
    const found = await new Response(data.slice(1000, 8_000_000).stream()).bytes();
    expect(Buffer.compare(found, bytes.subarray(1000, 8_000_000))).toBe(0);
    expect(Math.max(...lengths)).toBeLessThan(5_000_000);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(found.byteLength);
  });

  it('hands other builds whole files, and bytes in memory as they are', async () => {
    const { file } = watchedFile();
    const held = new Uint8Array(3);
    const files = [
      { path: 'w', data: file },
      { path: 'v', data: held },
    ];
    const { externalData } = await mountWeights(files, { build: 'webgpu' });
    expect(Buffer.compare(externalData[0]?.data as Uint8Array, bytes)).toBe(0);
    expect(externalData[1]?.data).toBe(held);
  });

  it('keeps the reason for which a read failed', async () => {
    const { file } = watchedFile();
    const gone = new LabError('source/read-failed', 'The file is gone; pick it again.');
    const failing = { ...file, read: async () => Promise.reject(gone) };
    const mounted = await mountWeights([{ path: 'w', data: failing }], { build: 'jspi' });
    expect(() => {
      mounted.throwIfFailed();
    }).not.toThrow();
    const data = mounted.externalData[0]?.data as Blob;
    await expect(new Response(data.slice(0, 10).stream()).bytes()).rejects.toBe(gone);
    expect(() => {
      mounted.throwIfFailed();
    }).toThrow(gone);
  });
});
