import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/core/progress';
import { mergeToMemory, MergedCheckpoint } from '../../../src/engine/merged-weights';
import type { ModelInputs } from '../../../src/engine/model-input';
import { writeFolder } from '../../../src/engine/node-sink';
import { describeOutput, type OutputFile } from '../../../src/engine/output-files';
import { planMerge } from '../../../src/engine/plan';
import { saveToStore } from '../../../src/engine/store-sink';
import type { Recipe } from '../../../src/recipe/recipe';
import { storedModel } from '../../../src/sources/cached-files';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openNodeFolder } from '../../../src/sources/node-folder';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { LabStore } from '../../../src/store/lab-store';
import { CountingBackend, tinyModel, tinyModels, tinyRecipe, tinyTensors } from './tiny-models';

const recipe = tinyRecipe('task_arithmetic', { a: 0.5, b: 1 });

async function outputOf(
  inputs: ModelInputs,
  wanted: Recipe = recipe,
  options: Partial<Parameters<typeof describeOutput>[2]> = {},
  backend = new CountingBackend(),
): Promise<OutputFile[]> {
  const plan = await planMerge(wanted, inputs);
  return describeOutput(plan, backend, { title: 'my-merge', ...options });
}

async function contentsOf(files: readonly OutputFile[]): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const file of files) {
    const parts: Uint8Array[] = [];
    for await (const bytes of file.stream()) parts.push(bytes.slice());
    const bytes = new Uint8Array(Buffer.concat(parts));
    expect([file.path, bytes.byteLength]).toEqual([file.path, file.sizeBytes]);
    contents.set(file.path, bytes);
  }
  return contents;
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe('describeOutput', () => {
  it('yields a folder that opens as a checkpoint with the merged bytes', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const contents = await contentsOf(await outputOf(inputs));
    expect([...contents.keys()]).toEqual([
      'config.json',
      'tokenizer.json',
      'mergekit_config.yml',
      'model.safetensors',
      'README.md',
    ]);
    const opened = await openCheckpoint(memoryFiles('out', contents));
    const plan = await planMerge(recipe, inputs);
    const merged = new MergedCheckpoint(await mergeToMemory(plan, new CountingBackend(), 'm'));
    expect([...opened.tensors.keys()]).toEqual([...merged.tensors.keys()]);
    expect(opened.metadata.get('format')).toBe('pt');
    for (const [name, info] of merged.tensors) {
      expect(opened.tensors.get(name)).toEqual(info);
      expect(Buffer.compare(await opened.read(name), await merged.read(name))).toBe(0);
    }
    for (const path of ['config.json', 'tokenizer.json']) {
      const file = inputs.get('base')?.files.files.get(path);
      expect(contents.get(path)).toEqual(await file?.read(0, file.sizeBytes));
    }
  });

  it('writes shards with an index, each tensor whole', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const options = { maxShardBytes: 2000 };
    const contents = await contentsOf(await outputOf(inputs, recipe, options));
    expect([...contents.keys()].filter((path) => path.endsWith('.safetensors'))).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
    ]);
    const opened = await openCheckpoint(memoryFiles('out', contents));
    const whole = await openCheckpoint(
      memoryFiles('out', await contentsOf(await outputOf(inputs))),
    );
    expect([...opened.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    for (const name of whole.tensors.keys()) {
      expect(Buffer.compare(await opened.read(name), await whole.read(name))).toBe(0);
    }
    const index = JSON.parse(textOf(contents.get('model.safetensors.index.json'))) as {
      metadata: { total_size: number };
    };
    let totalBytes = 0;
    for (const info of whole.tensors.values()) totalBytes += info.sizeBytes;
    expect(index.metadata.total_size).toBe(totalBytes);
  });

  it('says the written dtype and an untied head in the config', async () => {
    const head = { ...tinyTensors, 'lm_head.weight': { dtype: 'BF16', shape: [37, 16] } } as const;
    const untied = { tensors: head, config: { tie_word_embeddings: false } };
    const models = [await tinyModel('base'), await tinyModel('a', untied)];
    const inputs = new Map(models.map((model) => [model.id, model]));
    const wanted = tinyRecipe('task_arithmetic', { a: 1 });
    const kept = JSON.parse(
      textOf((await contentsOf(await outputOf(inputs, wanted))).get('config.json')),
    ) as object;
    expect(kept).toMatchObject({ tie_word_embeddings: false, dtype: 'bfloat16' });
    const single = await contentsOf(await outputOf(inputs, { ...wanted, dtype: 'float32' }));
    expect(JSON.parse(textOf(single.get('config.json')))).toMatchObject({
      tie_word_embeddings: false,
      dtype: 'float32',
      hidden_size: 16,
    });
    const opened = await openCheckpoint(memoryFiles('out', single));
    expect(opened.tensors.get('lm_head.weight')?.dtype).toBe('F32');
    expect(opened.tensors.get('model.layers.0.position_ids')?.dtype).toBe('I64');
  });

  it('describes the merge in its card and keeps the recipe’s text', async () => {
    const inputs = await tinyModels('base', 'a', 'b');
    const hashed = new Map(inputs);
    const a = hashed.get('a');
    if (a !== undefined) hashed.set('a', { ...a, contentHash: 'abc123' });
    const recipeText = '# by hand\nmerge_method: task_arithmetic\n';
    const contents = await contentsOf(await outputOf(hashed, recipe, { recipeText }));
    expect(textOf(contents.get('mergekit_config.yml'))).toBe(recipeText);
    const card = textOf(contents.get('README.md'));
    for (const words of [
      '# my-merge',
      'library_name: transformers',
      'Task',
      'arxiv.org/abs/2212.04089',
      '- `base` (base)',
      '- `a`, sha256 `abc123`',
      '# by hand',
      'one counted thread',
    ]) {
      expect(card).toContain(words);
    }
    const written = await contentsOf(await outputOf(inputs));
    expect(textOf(written.get('mergekit_config.yml'))).toContain('base_model: base');
  });

  it('states the hashes of the weights, scores and a common licence in its card', async () => {
    const licence = ['README.md', '---\nlicense: apache-2.0\n---\n'] as const;
    const models = await Promise.all(
      ['base', 'a', 'b'].map(async (id) => tinyModel(id, { files: [licence] })),
    );
    const inputs = new Map(models.map((model) => [model.id, model]));
    const scores = [{ name: 'math | 40 items', value: '82 %' }];
    const options = { maxShardBytes: 2000, scores };
    const contents = await contentsOf(await outputOf(inputs, recipe, options));
    const card = textOf(contents.get('README.md'));
    for (const [path, bytes] of contents) {
      if (!path.endsWith('.safetensors')) continue;
      const hash = createHash('sha256').update(bytes).digest('hex');
      expect(card).toContain(`${hash}  ${path}\n`);
    }
    expect(card).toContain('| math \\| 40 items | 82 % |');
    expect(card).toContain('\nlicense: apache-2.0\n');
  });

  it('merges bare weights without a config into bare weights', async () => {
    const models = await Promise.all(
      ['base', 'a', 'b'].map(async (id) => {
        const { files } = await tinyModel(id);
        const weights = files.files.get('model.safetensors');
        const bytes = (await weights?.read(0, weights.sizeBytes)) ?? new Uint8Array(0);
        const bare = memoryFiles(id, new Map([[`${id}.safetensors`, bytes]]));
        return { id, files: bare, checkpoint: await openCheckpoint(bare) };
      }),
    );
    const inputs = new Map(models.map((model) => [model.id, model]));
    const contents = await contentsOf(await outputOf(inputs));
    expect([...contents.keys()]).toEqual(['mergekit_config.yml', 'model.safetensors', 'README.md']);
    const whole = await contentsOf(await outputOf(await tinyModels('base', 'a', 'b')));
    const [bare, usual] = [contents, whole].map((files) => files.get('model.safetensors'));
    expect(Buffer.compare(bare ?? Buffer.of(0), usual ?? Buffer.of())).toBe(0);
  });

  it('reports bytes of weights with their total', async () => {
    const seen: Progress[] = [];
    const files = await outputOf(await tinyModels('base', 'a', 'b'), recipe, {
      onProgress: (progress) => seen.push(progress),
    });
    await contentsOf(files);
    expect(seen.at(-1)).toMatchObject({ unit: 'bytes', stage: 'Merging' });
    const weights = files.find(({ path }) => path === 'model.safetensors');
    expect(seen.at(-1)?.done).toBe(weights?.sizeBytes);
    expect(seen.at(-1)?.total).toBe(weights?.sizeBytes);
  });
});

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
