import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { Random } from '../../../src/core/random';
import type { ModelFile, ModelFiles } from '../../../src/sources/model-files';
import { SharedBytes } from '../../../src/sources/shared-bytes';
import { readInWindows } from '../../../src/sources/windowed-files';

const mebibyte = 1 << 20;
const sizeBytes = 5 * mebibyte + 77;
const content = Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 2654435761) >>> 24);

/** A file that tells which reads reached it. */
function watchedModel(): { model: ModelFiles; reads: [number, number][] } {
  const reads: [number, number][] = [];
  const file: ModelFile = {
    path: 'model.safetensors',
    sizeBytes,
    modifiedAtMs: 5,
    read: (offsetBytes, lengthBytes) => {
      reads.push([offsetBytes, lengthBytes]);
      return Promise.resolve(content.slice(offsetBytes, offsetBytes + lengthBytes));
    },
  };
  return { model: { label: 'm', files: new Map([[file.path, file]]) }, reads };
}

/** Memory in which windows have 1 MiB. */
const memory = (): SharedBytes => new SharedBytes(16 * mebibyte);

function opened(model: ModelFiles, shared: SharedBytes): ModelFile {
  const file = readInWindows(model, shared).files.get('model.safetensors');
  if (file === undefined) throw new Error('the file is there');
  return file;
}

describe('files read in windows', () => {
  it('give the bytes of every range', async () => {
    const { model } = watchedModel();
    const file = opened(model, memory());
    expect(file).toMatchObject({ path: 'model.safetensors', sizeBytes, modifiedAtMs: 5 });
    const random = new Random(1);
    for (let round = 0; round < 200; round++) {
      const offsetBytes = random.integer(0, sizeBytes - 1);
      const most = Math.min(sizeBytes - offsetBytes, round % 10 === 0 ? 3 * mebibyte : 200_000);
      const lengthBytes = random.integer(0, most);
      const bytes = await file.read(offsetBytes, lengthBytes);
      const wanted = content.subarray(offsetBytes, offsetBytes + lengthBytes);
      expect(Buffer.compare(bytes, wanted)).toBe(0);
    }
  });

  it('reach the file once for every window when they are read in order', async () => {
    const { model, reads } = watchedModel();
    const file = opened(model, memory());
    for (let at = 0; at < sizeBytes; at += 10_000) {
      await file.read(at, Math.min(10_000, sizeBytes - at));
    }
    const wanted = [0, 1, 2, 3, 4].map((index) => [index * mebibyte, mebibyte]);
    expect(reads).toEqual([...wanted, [5 * mebibyte, 77]]);
  });

  it('give large reads to the file as they are', async () => {
    const { model, reads } = watchedModel();
    await opened(model, memory()).read(5, 2 * mebibyte);
    expect(reads).toEqual([[5, 2 * mebibyte]]);
  });

  it('keep models of one name apart', async () => {
    const shared = memory();
    const other = watchedModel();
    other.model.files.forEach((file) => {
      file.read = (_offset, lengthBytes) => Promise.resolve(new Uint8Array(lengthBytes));
    });
    const files = [opened(watchedModel().model, shared), opened(other.model, shared)];
    const heads = await Promise.all(files.map(async (file) => file.read(0, 100)));
    expect(heads).toEqual([content.slice(0, 100), new Uint8Array(100)]);
  });

  it('refuse what lies beyond the end, by the name of the file', async () => {
    const { model } = watchedModel();
    const reading = opened(model, memory()).read(sizeBytes - 1, 2);
    await expect(reading).rejects.toThrow(LabError);
    await expect(opened(model, memory()).read(sizeBytes - 1, 2)).rejects.toThrow(
      'm/model.safetensors',
    );
  });
});
