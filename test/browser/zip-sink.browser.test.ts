import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropArchive } from '../../src/engine/archive-file';
import type { OutputFile } from '../../src/engine/output-files';
import type { ArchiveMark } from '../../src/engine/run-journal';
import { saveToZip, type ZipSave } from '../../src/engine/zip-sink';
import { readZip } from '../read-zip';

/** Handles of the origin's own file system are of the kind that pickers hand out. */
let root: FileSystemDirectoryHandle;
let handle: FileSystemFileHandle;

beforeEach(async () => {
  root = await navigator.storage.getDirectory();
  handle = await root.getFileHandle('zip-sink.zip', { create: true });
});

afterEach(async () => {
  await dropArchive(handle);
});

const sizes = { 'config.json': 30, 'a/one.bin': 40_000, 'two.bin': 70_001, 'README.md': 12 };

/** Made of bytes that tell their place; `onMade` hears of each piece that is made anew. */
function filesOf(onMade: (path: string) => void = () => undefined): OutputFile[] {
  return Object.entries(sizes).map(([path, sizeBytes]) => ({
    path,
    sizeBytes,
    // eslint-disable-next-line @typescript-eslint/require-await -- one shape for all files
    stream: async function* () {
      for (let offset = 0; offset < sizeBytes; offset += 10_000) {
        onMade(path);
        yield contentOf(path).subarray(offset, Math.min(offset + 10_000, sizeBytes));
      }
    },
  }));
}

function contentOf(path: string): Uint8Array {
  const sizeBytes = sizes[path as keyof typeof sizes];
  return Uint8Array.from({ length: sizeBytes }, (_, place) => (place * 31 + path.length) % 251);
}

class Journal {
  archive: ArchiveMark | undefined;
  async onArchived(mark: ArchiveMark): Promise<void> {
    this.archive = await Promise.resolve(mark);
  }
}

function optionsWith(journal: Journal, more: Partial<ZipSave> = {}): ZipSave {
  return { folder: 'merge', modifiedAtMs: 1e12, journal, onStored: () => undefined, ...more };
}

async function bytesOf(file: FileSystemFileHandle): Promise<Uint8Array> {
  return new Uint8Array(await (await file.getFile()).arrayBuffer());
}

async function expectWhole(): Promise<void> {
  const found = await readZip(await bytesOf(handle));
  expect([...found.keys()]).toEqual(Object.keys(sizes).map((path) => `merge/${path}`));
  for (const path of Object.keys(sizes)) {
    expect(found.get(`merge/${path}`)).toEqual(contentOf(path));
  }
}

/** Saves, and fails when the second piece of `two.bin` is made. */
async function interrupted(journal: Journal, more: Partial<ZipSave> = {}): Promise<void> {
  let count = 0;
  const files = filesOf((path) => {
    if (path === 'two.bin' && ++count === 2) throw new Error('the tab is closed');
  });
  await expect(saveToZip(files, handle, optionsWith(journal, more))).rejects.toThrow('the tab');
}

describe('saveToZip', () => {
  it('writes a zip whose files are those of the output', async () => {
    let storedBytes = 0;
    const onStored = (bytes: number): void => {
      storedBytes += bytes;
    };
    await saveToZip(filesOf(), handle, optionsWith(new Journal(), { onStored }));
    await expectWhole();
    expect(storedBytes).toBe(Object.values(sizes).reduce((sum, size) => sum + size, 0));
  });

  it('goes on after the last whole file, to the same bytes', async () => {
    await saveToZip(filesOf(), handle, optionsWith(new Journal()));
    const undisturbed = await bytesOf(handle);

    const journal = new Journal();
    let storedBytes = 0;
    const onStored = (bytes: number): void => {
      storedBytes += bytes;
    };
    await interrupted(journal, { onStored });
    expect(storedBytes).toBe(sizes['config.json'] + sizes['a/one.bin']);
    const part = await bytesOf(handle);
    expect(part.byteLength).toBe(journal.archive?.sizeBytes);
    await expect(readZip(part)).rejects.toThrow('no list of files');

    const made = new Set<string>();
    await saveToZip(
      filesOf((path) => made.add(path)),
      handle,
      optionsWith(journal),
    );
    expect([...made]).toEqual(['two.bin', 'README.md']);
    expect(await bytesOf(handle)).toEqual(undisturbed);
  });

  it('puts whole files in place on the way, so that they outlive the tab', async () => {
    const journal = new Journal();
    const placed: number[] = [];
    const onStored = (): void => {
      placed.push(journal.archive?.sizeBytes ?? 0);
    };
    await saveToZip(filesOf(), handle, optionsWith(journal, { onStored, leastPutBytes: 1000 }));
    await expectWhole();
    // The first file is too small to be worth it, the second is not.
    expect([...new Set(placed)].length).toBeGreaterThanOrEqual(3);
    expect(placed.find((bytes) => bytes > 0)).toBeGreaterThan(sizes['a/one.bin']);
  });

  it('begins anew when the file is not what it had left, and when it is gone', async () => {
    const journal = new Journal();
    await interrupted(journal);
    const foreign = await handle.createWritable();
    await foreign.write(new Uint8Array(journal.archive?.sizeBytes ?? 0));
    await foreign.close();
    // Files of one size tell themselves apart by their time.
    expect((await handle.getFile()).lastModified).not.toBe(journal.archive?.modifiedAtMs);
    await saveToZip(filesOf(), handle, optionsWith(journal));
    await expectWhole();

    const second = new Journal();
    await interrupted(second);
    await root.removeEntry('zip-sink.zip');
    await saveToZip(filesOf(), handle, optionsWith(second));
    await expectWhole();
  });

  it('leaves the file as it was when nothing of it is wanted', async () => {
    const journal = new Journal();
    await interrupted(journal, { isUnwanted: () => true });
    expect(journal.archive).toBeUndefined();
    expect((await handle.getFile()).size).toBe(0);
    await dropArchive(handle);
    await expect(root.getFileHandle('zip-sink.zip')).rejects.toThrow();
  });

  it('says which file could not be written', async () => {
    const options = optionsWith(new Journal());
    const locked = await handle.createWritable({
      mode: 'exclusive',
    } as FileSystemCreateWritableOptions);
    await expect(saveToZip(filesOf(), handle, options)).rejects.toMatchObject({
      code: 'engine/write-failed',
      message: expect.stringContaining('"zip-sink.zip"') as string,
    });
    await locked.abort();
  });
});
