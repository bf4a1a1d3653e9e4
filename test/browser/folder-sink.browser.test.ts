import { afterEach, beforeEach, expect, it } from 'vitest';
import { saveToFolder } from '../../src/engine/folder-sink';
import type { OutputFile } from '../../src/engine/output-files';

/** Handles of the origin's own file system are of the kind that pickers hand out. */
let folder: FileSystemDirectoryHandle;

beforeEach(async () => {
  const root = await navigator.storage.getDirectory();
  folder = await root.getDirectoryHandle('folder-sink', { create: true });
});

afterEach(async () => {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry('folder-sink', { recursive: true });
});

const sizes = { 'config.json': 30, 'a/one.bin': 5_000_000, 'two.bin': 70_001, 'README.md': 12 };

class Journal {
  readonly closedPaths: string[] = [];
  readonly checksums = new Map<string, string>();
  async onClosed(path: string, checksum?: string): Promise<void> {
    this.closedPaths.push(path);
    if (checksum !== undefined) this.checksums.set(path, checksum);
    return Promise.resolve();
  }
}

function contentOf(path: string): Uint8Array<ArrayBuffer> {
  const sizeBytes = sizes[path as keyof typeof sizes];
  return Uint8Array.from({ length: sizeBytes }, (_, place) => (place * 31 + path.length) % 251);
}

/** Saves what is missing. */
async function save(
  journal: Journal,
  failsAt?: string,
): Promise<{ made: string[]; keptBytes: number }> {
  const made: string[] = [];
  const files = Object.entries(sizes).map(([path, sizeBytes]): OutputFile => ({
    path,
    sizeBytes,
    // eslint-disable-next-line @typescript-eslint/require-await -- one shape for all files
    stream: async function* () {
      if (path === failsAt) throw new Error('the tab is closed');
      made.push(path);
      yield contentOf(path);
    },
  }));
  let [keptBytes, madeBytes] = [0, 0];
  const onStored = (bytes: number, wasKept: boolean): void => {
    if (wasKept) keptBytes += bytes;
    else madeBytes += bytes;
  };
  await saveToFolder(files, folder, { journal, onStored });
  expect(keptBytes + madeBytes).toBe(Object.values(sizes).reduce((sum, size) => sum + size, 0));
  return { made, keptBytes };
}

async function change(path: string, work: (bytes: Uint8Array) => void): Promise<void> {
  const handle = await folder.getFileHandle(path);
  const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
  work(bytes);
  const target = await handle.createWritable();
  await target.write(bytes);
  await target.close();
}

it('keeps the files that are what was written, and makes the others again', async () => {
  const journal = new Journal();
  await expect(save(journal, 'README.md')).rejects.toThrow('the tab is closed');
  expect(journal.closedPaths).toEqual(['config.json', 'a/one.bin', 'two.bin']);
  // One bit of a file of the same size; another file is gone.
  await change('two.bin', (bytes) => {
    bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
  });
  await folder.removeEntry('config.json');
  const { made, keptBytes } = await save(journal);
  expect(made).toEqual(['config.json', 'two.bin', 'README.md']);
  expect(keptBytes).toBe(sizes['a/one.bin']);
  const written = await (await folder.getFileHandle('two.bin')).getFile();
  expect(new Uint8Array(await written.arrayBuffer())).toEqual(contentOf('two.bin'));
  expect((await save(journal)).made).toEqual([]);
});

it('makes a file again of which an older journal knows no checksum', async () => {
  const journal = new Journal();
  await save(journal);
  journal.checksums.delete('two.bin');
  expect((await save(journal)).made).toEqual(['two.bin']);
});
