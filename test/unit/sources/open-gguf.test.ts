import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memoryFiles } from '../../../src/sources/memory-files';
import type { ModelFile, ModelFiles } from '../../../src/sources/model-files';
import { openModel } from '../../../src/sources/open-model';
import { GgufText } from '../formats/gguf-text';

interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, { shape: readonly number[]; sha256: string }>>;
}

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../fixtures/gguf/${name}`, import.meta.url)));
}

function golden(name: string): Golden {
  return JSON.parse(new TextDecoder().decode(fixture(`${name}.json`))) as Golden;
}

async function configOf(files: ModelFiles): Promise<Record<string, unknown>> {
  const file = files.files.get('config.json');
  const bytes = await file?.read(0, file.sizeBytes);
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

const models = ['llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3'];

describe('openModel of a GGUF file', () => {
  it.each(models)('reads %s as transformers does: names, shapes, every bit', async (name) => {
    const { checkpoint } = await openModel(
      memoryFiles(name, new Map([[`${name}.gguf`, fixture(`${name}.gguf`)]])),
    );
    const { tensors } = golden(name);
    const read: Record<string, { shape: readonly number[]; sha256: string }> = {};
    for (const [tensor, { dtype, shape }] of checkpoint.tensors) {
      expect(dtype).toBe('F32');
      const bytes = await checkpoint.read(tensor);
      read[tensor] = { shape, sha256: createHash('sha256').update(bytes).digest('hex') };
    }
    expect(read).toEqual(tensors);
  });

  it.each(models)('makes the config of %s', async (name) => {
    const { files } = await openModel(
      memoryFiles(name, new Map([[`${name}.gguf`, fixture(`${name}.gguf`)]])),
    );
    const made = await configOf(files);
    const { config } = golden(name);
    const stated = config['rope_parameters'] as Record<string, Record<string, unknown>>;
    const rope: Record<string, unknown> = stated['full_attention'] ?? stated;
    const checked = [
      ...['model_type', 'hidden_size', 'intermediate_size', 'num_hidden_layers', 'head_dim'],
      ...['num_attention_heads', 'num_key_value_heads', 'vocab_size', 'max_position_embeddings'],
      ...['rms_norm_eps', 'tie_word_embeddings', 'bos_token_id', 'eos_token_id'],
      ...(name.startsWith('gemma')
        ? ['hidden_activation', 'query_pre_attn_scalar', 'sliding_window']
        : ['hidden_act']),
      ...(name === 'gemma2' ? ['attn_logit_softcapping', 'final_logit_softcapping'] : []),
      ...(name === 'llama' ? ['attention_bias', 'mlp_bias'] : []),
    ];
    const defaults: Record<string, unknown> = { head_dim: 16 };
    for (const key of checked) {
      expect([key, made[key]]).toEqual([key, config[key] ?? defaults[key]]);
    }
    expect(made['rope_theta']).toBe(rope['rope_theta']);
    const scaling = {
      ...(made['rope_scaling'] as object | undefined),
      rope_theta: made['rope_theta'],
    };
    expect(scaling).toEqual(name === 'llama' ? rope : { rope_theta: rope['rope_theta'] });
  });

  it('reads any part of a tensor as it reads the whole', async () => {
    const { checkpoint } = await openModel(
      memoryFiles('m', new Map([['llama.gguf', fixture('llama.gguf')]])),
    );
    for (const tensor of ['k_proj.weight', 'q_proj.weight'].map((part) => `self_attn.${part}`)) {
      const name = `model.layers.0.${tensor}`;
      const whole = await checkpoint.read(name);
      const ranges = [
        [0, 4],
        [4, 16 * 64 * 4],
        [16 * 64 * 4 - 4, 8],
        [1, 3],
        [777, 5001],
        [whole.byteLength - 260, 260],
        [100, 0],
      ];
      for (const [offsetBytes = 0, lengthBytes = 0] of ranges) {
        const part = await checkpoint.read(name, { offsetBytes, lengthBytes });
        expect(part).toEqual(whole.slice(offsetBytes, offsetBytes + lengthBytes));
      }
    }
  });

  it('reads the blocks of a part only, into memory of the caller’s choice', async () => {
    const bytes = fixture('llama.gguf');
    const reads: [number, number][] = [];
    const file: ModelFile = {
      path: 'llama.gguf',
      sizeBytes: bytes.byteLength,
      read: async (offset, length) => {
        reads.push([offset, length]);
        return Promise.resolve(bytes.slice(offset, offset + length));
      },
    };
    const opened = await openModel({ label: 'm', files: new Map([[file.path, file]]) });
    const name = 'model.layers.0.mlp.down_proj.weight';
    const whole = await opened.checkpoint.read(name);
    reads.length = 0;
    const room = new Uint8Array(new ArrayBuffer(2048), 3, 1200);
    const part = await opened.checkpoint.read(
      name,
      { offsetBytes: 1000, lengthBytes: 1200 },
      undefined,
      () => room,
    );
    expect(part).toBe(room);
    expect(part).toEqual(whole.slice(1000, 2200));
    // Values 250 to 549 lie in three blocks of 256, of Q6_K here.
    expect(reads.map(([, length]) => length)).toEqual([3 * 210]);
  });

  it('says how a model was quantised, and what it lacks', async () => {
    const { checkpoint, files } = await openModel(
      memoryFiles('small', new Map([['gemma2.gguf', fixture('gemma2.gguf')]])),
    );
    expect(checkpoint.notes?.[0]).toContain('"small" is quantised');
    expect(checkpoint.notes?.[0]).toContain('Q4_K');
    expect(checkpoint.notes?.[1]).toContain('without a tokenizer.json');
    expect(files.files.has('README.md')).toBe(true);
  });

  it('keeps the folder’s own config', async () => {
    const { files } = await openModel(
      memoryFiles(
        'm',
        new Map<string, string | Uint8Array>([
          ['gemma2.gguf', fixture('gemma2.gguf')],
          ['config.json', '{"model_type": "mine"}'],
        ]),
      ),
    );
    expect(await configOf(files)).toEqual({ model_type: 'mine' });
  });

  const failures: [string, Record<string, Uint8Array>, string, string][] = [
    [
      'several models in one folder',
      { 'a.gguf': fixture('llama.gguf'), 'b.gguf': fixture('qwen2.gguf') },
      'source/missing-file',
      'a.gguf, b.gguf',
    ],
    [
      'a part that is missing',
      { 'a-00001-of-00002.gguf': fixture('llama.gguf') },
      'source/missing-file',
      'a-00002-of-00002.gguf',
    ],
    [
      'parts that are two models',
      {
        'a-00001-of-00002.gguf': fixture('llama.gguf'),
        'a-00002-of-00002.gguf': fixture('llama.gguf'),
      },
      'source/missing-file',
      'one of 1 parts',
    ],
    [
      'families that it does not know',
      { 'a.gguf': family('rwkv6').file(0) },
      'model/unsupported',
      'rwkv6',
    ],
    [
      'a config that lacks a field',
      { 'a.gguf': family('llama').file(0) },
      'format/bad-config',
      'llama.embedding_length',
    ],
  ];
  it.each(failures)('refuses %s', async (_, contents, code, part) => {
    const opening = openModel(memoryFiles('m', new Map(Object.entries(contents))));
    await expect(opening).rejects.toMatchObject({ code });
    await expect(opening).rejects.toThrow(part);
  });

  it('refuses tensors that the family does not have', async () => {
    const bytes = fixture('llama.gguf');
    const at = Buffer.from(bytes).lastIndexOf('ffn_norm');
    bytes.set(new TextEncoder().encode('ffn_what'), at);
    await expect(
      openModel(memoryFiles('m', new Map([['llama.gguf', bytes]]))),
    ).rejects.toMatchObject({ code: 'model/unsupported' });
  });
});

/** A file that names its family and nothing else. */
function family(name: string): GgufText {
  return new GgufText({ fields: 1 }).text('general.architecture').u32(8).text(name);
}
