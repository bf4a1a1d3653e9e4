import { mkdtemp, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { foldersFromFiles } from '../../../src/sources/browser-folder';
import { openNodeFolder } from '../../../src/sources/node-folder';

/** A picked file as the browser hands it over. */
function pickedFile(path: string, bytes: Uint8Array<ArrayBuffer>): globalThis.File {
  const file = new File([bytes], path.split('/').at(-1) ?? '');
  Object.defineProperty(file, 'webkitRelativePath', { value: path });
  return file as unknown as globalThis.File;
}

describe('foldersFromFiles', () => {
  it('finds each folder with a config.json, nested ones too, and leaves hidden files out', async () => {
    const one = Uint8Array.of(1, 2, 3);
    const folders = foldersFromFiles(
      [
        'models/base/config.json',
        'models/base/onnx/model.onnx',
        'models/base/.cache/x',
        'models/math/config.json',
        'models/math/lora/config.json',
        'models/readme.txt',
      ].map((path) => pickedFile(path, one)),
      'models',
    );
    expect(folders.map(({ label, files }) => [label, [...files.keys()]])).toEqual([
      ['base', ['config.json', 'onnx/model.onnx']],
      ['math', ['config.json']],
      ['lora', ['config.json']],
    ]);
    const file = folders[0]?.files.get('config.json');
    expect(await file?.read(1, 2)).toEqual(Uint8Array.of(2, 3));
    await expect(file?.read(1, 3)).rejects.toMatchObject({ code: 'format/truncated' });
  });

  it('finds GGUF files, parts of one model as one, and those of a folder in it', () => {
    const folders = foldersFromFiles(
      [
        'm/a.Q4_K_M.gguf',
        'm/a.safetensors',
        'm/b-00001-of-00002.gguf',
        'm/b-00002-of-00002.gguf',
        'm/c/config.json',
        'm/c/c.gguf',
      ].map((path) => pickedFile(path, Uint8Array.of(1))),
      'm',
    );
    expect(folders.map(({ label, files }) => [label, [...files.keys()]])).toEqual([
      ['a.Q4_K_M', ['a.Q4_K_M.gguf']],
      ['a', ['a.safetensors']],
      ['b', ['b-00001-of-00002.gguf', 'b-00002-of-00002.gguf']],
      ['c', ['config.json', 'c.gguf']],
    ]);
  });

  it('finds adapters beside models, and weights that lie in neither', () => {
    const folders = foldersFromFiles(
      [
        'm/lora/adapter_config.json',
        'm/lora/adapter_model.safetensors',
        'm/lora/step-9/adapter_config.json',
        'm/whole/model.safetensors',
        'm/a.safetensors',
        'm/.hidden.safetensors',
        'm/sub/b.safetensors',
      ].map((path) => pickedFile(path, Uint8Array.of(1))),
      'm',
    );
    expect(folders.map(({ label, files }) => [label, [...files.keys()]])).toEqual([
      ['lora', ['adapter_config.json', 'adapter_model.safetensors']],
      ['step-9', ['adapter_config.json']],
      ['whole', ['model.safetensors']],
      ['a', ['a.safetensors']],
      ['b', ['b.safetensors']],
    ]);
  });

  it('uses the picked name for files without a path', () => {
    const folders = foldersFromFiles([pickedFile('', new Uint8Array(0))], 'x');
    expect(folders).toEqual([]);
    const file = new File([], 'config.json') as unknown as globalThis.File;
    Object.defineProperty(file, 'webkitRelativePath', { value: '' });
    expect(foldersFromFiles([file], 'mine')[0]?.label).toBe('mine');
  });
});

describe('openNodeFolder', () => {
  it('lists and reads files, and notices that one was cut', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mergelab-folder-'));
    await mkdir(join(folder, 'onnx'));
    await writeFile(join(folder, 'config.json'), '{"a":1}');
    await writeFile(join(folder, 'onnx', 'model.onnx'), new Uint8Array(100).fill(7));
    await writeFile(join(folder, '.hidden'), 'x');
    const files = await openNodeFolder(folder, 'mine');
    expect([...files.files.keys()]).toEqual(['config.json', 'onnx/model.onnx']);
    const file = files.files.get('onnx/model.onnx');
    expect(await file?.read(90, 10)).toEqual(new Uint8Array(10).fill(7));
    await truncate(join(folder, 'onnx', 'model.onnx'), 50);
    await expect(file?.read(40, 20)).rejects.toMatchObject({ code: 'format/truncated' });
    await files.close();
    await rm(folder, { recursive: true });
    await expect(file?.read(0, 1)).rejects.toMatchObject({ code: 'source/read-failed' });
    await expect(openNodeFolder(folder, 'mine')).rejects.toMatchObject({
      code: 'source/missing-file',
    });
  });
});
