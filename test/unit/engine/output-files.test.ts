import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/core/progress';
import { MergedCheckpoint } from '../../../src/engine/merged-checkpoint';
import { mergeToMemory } from '../../../src/engine/merged-weights';
import { planMerge } from '../../../src/engine/plan';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';
import { contentsOf, outputOf, recipe, textOf } from './output-contents';
import { CountingBackend, tinyModel, tinyModels, tinyRecipe, tinyTensors } from './tiny-models';

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
