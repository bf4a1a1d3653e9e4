import { describe, expect, it } from 'vitest';
import type { OutputFile } from '../../../src/engine/output-files';
import { layOutZip, writeZip, zipBytes } from '../../../src/engine/zip-archive';
import { zipFileName, zipFolderName } from '../../../src/engine/zip-names';
import { readZip } from '../../read-zip';
import { contentsOf, outputOf } from './output-contents';
import { tinyModels } from './tiny-models';

/** A file of a size alone: its bytes are never asked for. */
function ofSize(path: string, sizeBytes: number): OutputFile {
  return {
    path,
    sizeBytes,
    stream: () => {
      throw new Error('nothing is to be read');
    },
  };
}

async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

describe('a zip', () => {
  it('holds the files of a merge where it was laid out', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const files = await outputOf(inputs);
    const zip = layOutZip(files, 'my-merge');
    const bytes = await gathered(zipBytes(zip, ({ file }) => file.stream()));
    expect(bytes.byteLength).toBe(zip.sizeBytes);
    const expected = await contentsOf(await outputOf(inputs));
    const found = await readZip(bytes);
    expect([...found.keys()]).toEqual([...expected.keys()].map((path) => `my-merge/${path}`));
    for (const { name, contentAt, file } of zip.entries) {
      const content = expected.get(file.path) ?? Buffer.of();
      expect(Buffer.compare(found.get(name) ?? Buffer.of(), content), name).toBe(0);
      const inPlace = bytes.subarray(contentAt, contentAt + file.sizeBytes);
      expect(Buffer.compare(inPlace, content), name).toBe(0);
    }
  });

  it('is laid out beyond 4 GiB', () => {
    const gibibyte = 2 ** 30;
    const files = [ofSize('a', 10), ofSize('b', 5 * gibibyte), ofSize('c', 20)];
    const { entries, sizeBytes } = layOutZip(files, 'm');
    // Local header, name, content and data descriptor, whose sizes take 8 bytes each from 4 GiB on.
    const ends = [30 + 3 + 10 + 16, 30 + 3 + 5 * gibibyte + 24, 30 + 3 + 20 + 16];
    const [a = 0, b = 0, c = 0] = ends;
    expect(entries.map(({ endAt }) => endAt)).toEqual([a, a + b, a + b + c]);
    expect(entries.map(({ contentAt }) => contentAt)).toEqual([33, a + 33, a + b + 33]);
    // 46 and the name for each; sizes or offsets that need 64 bits in an extra field; the two ends.
    expect(sizeBytes - (a + b + c)).toBe(3 * (46 + 3) + 28 + 12 + 76 + 22);
  });

  it('makes little ahead of the writer, and ends its files when that fails', async () => {
    let isOpen = false;
    let madeCount = 0;
    let mostAhead = 0;
    const endless: OutputFile = {
      path: 'weights',
      sizeBytes: 1e9,
      // eslint-disable-next-line @typescript-eslint/require-await -- one shape for all files
      stream: async function* () {
        isOpen = true;
        try {
          for (;;) {
            madeCount += 1;
            yield new Uint8Array(1000);
          }
        } finally {
          isOpen = false;
        }
      },
    };
    let writtenBytes = 0;
    const target = new WritableStream<Uint8Array>({
      write: (bytes) => {
        writtenBytes += bytes.byteLength;
        mostAhead = Math.max(mostAhead, madeCount - Math.floor(writtenBytes / 1000));
        if (writtenBytes > 50_000) throw new Error('the disk is full');
      },
    });
    const next = ofSize('never begun', 5);
    await expect(writeZip([endless, next], 'm', target)).rejects.toThrow('the disk is full');
    expect(isOpen).toBe(false);
    expect(mostAhead).toBeLessThanOrEqual(3);
  });

  it('is named after a title', () => {
    expect(zipFolderName('TIES: Gemma (2B) with 3 specialists')).toBe(
      'TIES-Gemma-2B-with-3-specialists',
    );
    expect(zipFileName('../..')).toBe('merge.zip');
  });
});
