import 'fake-indexeddb/auto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/core/progress';
import { MergedCheckpoint } from '../../../src/engine/merged-checkpoint';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import { writeFolder } from '../../../src/engine/node-sink';
import { planMerge } from '../../../src/engine/plan';
import { saveToStore } from '../../../src/engine/store-sink';
import { storedModel } from '../../../src/sources/cached-files';
import { openNodeFolder } from '../../../src/sources/node-folder';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { LabStore } from '../../../src/store/lab-store';
import { contentsOf, outputOf, recipe } from './output-contents';
import { CountingBackend, tinyModels } from './tiny-models';

describe('writeFolder', () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mergelab-out-'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  it('writes the files, replaces an earlier merge, and leaves other folders alone', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const target = join(root, 'deep', 'merge');
    await writeFolder(await outputOf(inputs), target);
    const expected = await contentsOf(await outputOf(inputs));
    expect((await readdir(target)).sort()).toEqual([...expected.keys()].sort());
    expect(await readdir(join(root, 'deep'))).toEqual(['merge']);
    const weights = await readFile(join(target, 'model.safetensors'));
    expect(Buffer.compare(weights, expected.get('model.safetensors') ?? Buffer.of())).toBe(0);

    await writeFolder(await outputOf(inputs, { ...recipe, dtype: 'float32' }), target);
    expect(await readdir(join(root, 'deep'))).toEqual(['merge']);
    const files = await openNodeFolder(target, 'merge');
    const opened = await openCheckpoint(files);
    expect(opened.tensors.get('model.norm.weight')?.dtype).toBe('F32');
    await files.close();

    const foreign = join(root, 'photos');
    await mkdir(foreign);
    await writeFile(join(foreign, 'cat.jpg'), 'meow');
    await expect(writeFolder(await outputOf(inputs), foreign)).rejects.toMatchObject({
      code: 'cli/usage',
    });
    expect(await readdir(foreign)).toEqual(['cat.jpg']);
  });

  it('leaves no folder after a failed read, an abort, or an unwritable path', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const a = inputs.get('a');
    if (a === undefined) throw new Error('there is an a');
    const failing = new Map(inputs).set('a', {
      ...a,
      checkpoint: {
        ...a.checkpoint,
        label: 'a',
        tensors: a.checkpoint.tensors,
        read: async (name, range, signal) =>
          name === 'model.norm.weight'
            ? Promise.reject(new Error('the disk is gone'))
            : a.checkpoint.read(name, range, signal),
      },
    });
    const before = await readdir(root);
    const backend = new CountingBackend();
    await expect(
      writeFolder(await outputOf(failing, recipe, {}, backend), join(root, 'failed')),
    ).rejects.toMatchObject({ code: 'engine/write-failed' });
    expect(backend.loaded.size).toBe(0);

    const controller = new AbortController();
    const options = {
      signal: controller.signal,
      onProgress: (progress: Progress) => {
        if (progress.done > 2000) controller.abort(new Error('the person cancelled'));
      },
    };
    const second = new CountingBackend();
    await expect(
      writeFolder(
        await outputOf(inputs, recipe, options, second),
        join(root, 'aborted'),
        controller.signal,
      ),
    ).rejects.toThrow('the person cancelled');
    expect(second.loaded.size).toBe(0);

    await writeFile(join(root, 'file'), 'x');
    await expect(
      writeFolder(await outputOf(inputs), join(root, 'file', 'merge')),
    ).rejects.toMatchObject({ code: 'engine/write-failed' });
    expect(await readdir(root)).toEqual([...before, 'file'].sort());
  });
});

describe('saveToStore', () => {
  it('keeps a merge for the next visit, and nothing of a failed one', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const store = new LabStore({ name: 'merges', pieceBytes: 10_000 });
    await saveToStore(await outputOf(inputs), store, 'merge/1', 'My merge');
    const later = new LabStore({ name: 'merges', pieceBytes: 10_000 });
    const model = await storedModel(later, 'merge/1');
    if (model === undefined) throw new Error('the merge is stored');
    const opened = await openCheckpoint(model);
    const plan = await planMerge(recipe, inputs);
    const merged = new MergedCheckpoint(await mergeToMemory(plan, new CountingBackend(), 'm'));
    for (const name of merged.tensors.keys()) {
      expect(Buffer.compare(await opened.read(name), await merged.read(name))).toBe(0);
    }
    const before = await later.contents();
    expect(before.models).toMatchObject([{ id: 'merge/1', kind: 'merge', isComplete: true }]);

    const controller = new AbortController();
    const files = await outputOf(inputs, recipe, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done > 2000) controller.abort(new Error('the tab was closed'));
      },
    });
    await expect(saveToStore(files, later, 'merge/2', 'Second')).rejects.toThrow('the tab');
    expect(await storedModel(later, 'merge/2')).toBeUndefined();
    expect((await later.contents()).fileBytes).toBe(before.fileBytes);
  });
});
