import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dtypeSizesBytes, elementCountOf, type FloatDtype } from '../../../src/core/dtype';
import { adaptModel } from '../../../src/engine/adapted-checkpoint';
import type { ModelInput } from '../../../src/engine/model-input';
import { decodeFloats } from '../../../src/expr/decode';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { memoryFiles } from '../../../src/sources/memory-files';
import type { ModelFiles } from '../../../src/sources/model-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly model: string;
    readonly config: string;
    readonly adapter: string;
    readonly merged: string;
  }[];
  readonly refused: readonly {
    readonly name: string;
    readonly config: string;
    readonly adapter: string;
  }[];
}

const path = new URL('../../fixtures/lora/peft.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;
const decode = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

async function modelOf(weights: Uint8Array, config = '{}'): Promise<ModelInput> {
  const contents = new Map<string, Uint8Array | string>([
    ['config.json', config],
    ['model.safetensors', weights],
  ]);
  const files = memoryFiles('base', contents);
  return { id: 'base', files, checkpoint: await openCheckpoint(files) };
}

function adapterFiles(config: string, weights: Uint8Array): ModelFiles {
  return memoryFiles(
    'adapter',
    new Map<string, Uint8Array | string>([
      ['adapter_config.json', config],
      ['adapter_model.safetensors', weights],
    ]),
  );
}

const floatsOf = (dtype: FloatDtype, bytes: Uint8Array): Float32Array => {
  const values = new Float32Array(bytes.byteLength / dtypeSizesBytes[dtype]);
  decodeFloats({ dtype, bytes }, 0, values);
  return values;
};

describe('AdaptedCheckpoint', () => {
  it.each(golden.cases)('adds an adapter as PEFT 0.21 does: $name', async (example) => {
    const model = await modelOf(decode(example.model));
    const files = adapterFiles(example.config, decode(example.adapter));
    const { checkpoint } = await adaptModel('base+adapter', model, files);
    const merged = (await modelOf(decode(example.merged))).checkpoint;
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...merged.tensors.keys()].sort());
    let changed = 0;
    let differing = 0;
    let count = 0;
    for (const [name, info] of merged.tensors) {
      expect(checkpoint.tensors.get(name)).toEqual(info);
      const [found, wanted, before] = [
        await checkpoint.read(name),
        await merged.read(name),
        await model.checkpoint.read(name),
      ].map((bytes) => floatsOf('BF16', bytes));
      wanted?.forEach((value, index) => {
        count++;
        if (found?.[index] !== value) differing++;
        if (value !== before?.[index]) changed++;
      });
    }
    expect(changed).toBeGreaterThan(50);
    expect(count).toBeGreaterThan(900);
    // PEFT sums in float32, in another order; on this data no rounding to bf16 is tipped by it.
    expect(differing).toBe(0);
  });

  it.each(golden.refused)('refuses what is more than plain LoRA: $name', async (example) => {
    const model = await modelOf(decode(golden.cases[0]?.model ?? ''));
    const files = adapterFiles(example.config, decode(example.adapter));
    await expect(adaptModel('x', model, files)).rejects.toMatchObject({
      code: 'engine/unsupported',
    });
  });

  it('reads any range as a part of the whole', async () => {
    const example = golden.cases.find(({ name }) => name === 'embeddings');
    const model = await modelOf(decode(example?.model ?? ''));
    const files = adapterFiles(example?.config ?? '', decode(example?.adapter ?? ''));
    const { checkpoint } = await adaptModel('x', model, files);
    const whole = await checkpoint.read('lm_head.weight');
    for (const [offsetBytes, lengthBytes] of [
      [0, 176],
      [0, 0],
      [16, 32],
      [14, 6],
      [3, 8],
      [175, 1],
    ] as const) {
      const part = await checkpoint.read('lm_head.weight', { offsetBytes, lengthBytes });
      expect([...part]).toEqual([...whole.subarray(offsetBytes, offsetBytes + lengthBytes)]);
    }
  });

  it('gives a tied head weights of its own', async () => {
    const model = await modelOf(
      oneTensor('model.embed_tokens.weight', [2, 2], [1, 2, 3, 4]),
      '{"model_type":"llama","tie_word_embeddings":true}',
    );
    const files = adapterFiles(
      '{"peft_type":"LORA","r":1,"lora_alpha":2}',
      encodeSafetensors([
        tensor('base_model.model.lm_head.lora_A.weight', [1, 2], [1, -1]),
        tensor('base_model.model.lm_head.lora_B.weight', [2, 1], [10, 0.5]),
      ]),
    );
    const adapted = await adaptModel('x', model, files);
    const { checkpoint } = adapted;
    const config = adapted.files.files.get('config.json');
    const text = new TextDecoder().decode(await config?.read(0, config.sizeBytes));
    expect(JSON.parse(text)).toEqual({ model_type: 'llama', tie_word_embeddings: false });
    expect([...checkpoint.tensors.keys()]).toEqual(['model.embed_tokens.weight', 'lm_head.weight']);
    const head = floatsOf('F32', await checkpoint.read('lm_head.weight'));
    // Scale 2 / 1: [[1, 2], [3, 4]] + 2 · [[10, -10], [0.5, -0.5]].
    expect([...head]).toEqual([21, -18, 4, 3]);
    const embedding = floatsOf('F32', await checkpoint.read('model.embed_tokens.weight'));
    expect([...embedding]).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['a module that is not there', 'model.layers.9.mlp.up_proj', [1, 2], [2, 1]],
    ['another width', 'model.embed_tokens', [1, 5], [2, 1]],
    ['another rank', 'model.embed_tokens', [3, 2], [2, 3]],
  ])('refuses an adapter of %s', async (_, module, down, up) => {
    const model = await modelOf(oneTensor('model.embed_tokens.weight', [2, 2], [1, 2, 3, 4]));
    const zeros = (shape: readonly number[]): number[] =>
      Array.from({ length: elementCountOf(shape) }, () => 0);
    const files = adapterFiles(
      '{"peft_type":"LORA","r":1}',
      encodeSafetensors([
        tensor(`base_model.model.${module}.lora_A.weight`, down, zeros(down)),
        tensor(`base_model.model.${module}.lora_B.weight`, up, zeros(up)),
      ]),
    );
    await expect(adaptModel('x', model, files)).rejects.toMatchObject({
      code: 'recipe/shape-mismatch',
    });
  });
});

function tensor(
  name: string,
  shape: readonly number[],
  values: readonly number[],
): Parameters<typeof encodeSafetensors>[0][number] {
  return { name, dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

function oneTensor(name: string, shape: readonly number[], values: readonly number[]): Uint8Array {
  return encodeSafetensors([tensor(name, shape, values)]);
}
