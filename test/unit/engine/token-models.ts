import { readFileSync } from 'node:fs';
import type { ModelInput } from '../../../src/engine/model-input';
import { decodeFloats } from '../../../src/expr/decode';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { parseTokenizerJson, tokenIds } from '../../../src/formats/tokenizer-json';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';

/** Models with different tokenizers and what mergekit 0.1.4 made of them. */
export interface Golden {
  readonly models: Readonly<
    Record<
      string,
      {
        readonly config: { readonly vocab_size: number; readonly hidden_size: number };
        readonly tokenizerConfig: object;
        readonly tokenizer: object;
        readonly tensors: Readonly<Record<string, string>>;
      }
    >
  >;
  readonly cases: readonly {
    readonly title: string;
    readonly base: string;
    readonly models: readonly string[];
    readonly setting: object;
    readonly tokenizer: { readonly added_tokens: readonly Record<string, unknown>[] };
    readonly vocabSize: number;
    readonly aligned: Readonly<Record<string, Readonly<Record<string, string>>>>;
  }[];
}

const path = new URL('../../fixtures/tokenizers/mergekit.json', import.meta.url);
export const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;
export const embedding = 'model.embed_tokens.weight';
export const head = 'lm_head.weight';

interface Changes {
  readonly config?: object;
  readonly without?: readonly string[];
  readonly files?: readonly (readonly [string, string])[];
}

export async function modelOf(id: string, changes: Changes = {}): Promise<ModelInput> {
  const stored = golden.models[id];
  if (stored === undefined) throw new Error(`there is a model ${id}`);
  const { vocab_size: rowCount, hidden_size: width } = stored.config;
  const tensors = Object.entries(stored.tensors).map(([name, text]) => ({
    name,
    dtype: 'BF16' as const,
    shape: [rowCount, width],
    bytes: new Uint8Array(Buffer.from(text, 'base64')),
  }));
  const contents = new Map<string, Uint8Array | string>([
    ['config.json', JSON.stringify({ ...stored.config, ...changes.config })],
    ['tokenizer.json', JSON.stringify(stored.tokenizer)],
    ['tokenizer_config.json', JSON.stringify(stored.tokenizerConfig)],
    [
      'model.safetensors',
      encodeSafetensors(tensors.filter(({ name }) => changes.without?.includes(name) !== true)),
    ],
    ...(changes.files ?? []),
  ]);
  for (const file of changes.without ?? []) contents.delete(file);
  const files = memoryFiles(id, contents);
  return { id, files, checkpoint: await openCheckpoint(files) };
}

export async function modelsOf(...ids: readonly string[]): Promise<Map<string, ModelInput>> {
  const models = await Promise.all(ids.map(async (id) => modelOf(id)));
  return new Map(models.map((model) => [model.id, model]));
}

export async function textOf(model: ModelInput | undefined, file: string): Promise<string> {
  const found = model?.files.files.get(file);
  return new TextDecoder().decode(await found?.read(0, found.sizeBytes));
}

export async function idsOf(model: ModelInput | undefined): Promise<ReadonlyMap<string, number>> {
  const text = await textOf(model, 'tokenizer.json');
  return tokenIds(parseTokenizerJson(new TextEncoder().encode(text), 'tokenizer.json'));
}

export async function rowsOf(model: ModelInput | undefined, name: string): Promise<number[][]> {
  const info = model?.checkpoint.tensors.get(name);
  const [rowCount = 0, width = 0] = info?.shape ?? [];
  const values = new Float32Array(rowCount * width);
  const bytes = (await model?.checkpoint.read(name)) ?? new Uint8Array(0);
  if (info?.dtype === 'F32' || info?.dtype === 'BF16') {
    decodeFloats({ dtype: info.dtype, bytes }, 0, values);
  }
  return Array.from({ length: rowCount }, (_, row) => [
    ...values.subarray(row * width, (row + 1) * width),
  ]);
}
