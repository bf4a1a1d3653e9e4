import { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { streamCheckpoint } from '../../../src/formats/tensor-stream';
import { describeExport } from '../../../src/model/describe-export';
import { LoadedModel } from '../../../src/model/loaded-model';
import { loadTransformers } from '../../../src/model/transformers-runtime';
import type { WeightEncoding } from '../../../src/model/weight-plan';
import { runtime } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';
import { tinyTemplate, tinyTexts } from './tiny-texts';

async function exported(dtype: WeightEncoding): Promise<Map<string, Uint8Array>> {
  const folder = new Map<string, Uint8Array>();
  for (const file of describeExport(streamCheckpoint(reader), files, dtype)) {
    const pieces: Uint8Array[] = [];
    for await (const bytes of file.stream()) pieces.push(bytes.slice());
    folder.set(file.path, new Uint8Array(Buffer.concat(pieces)));
    expect(folder.get(file.path)?.byteLength).toBe(file.sizeBytes);
  }
  return folder;
}

function textOf(folder: ReadonlyMap<string, Uint8Array>, path: string): string {
  return new TextDecoder().decode(folder.get(path));
}

const reader = readerOf('tiny', tinyWeights(tinyConfig, 1), tensorShapes(tinyConfig));
const files = tinyTexts(tinyConfig);

describe.each([
  ['fp32', 'onnx/model.onnx'],
  ['fp16', 'onnx/model_fp16.onnx'],
  ['q8', 'onnx/model_quantized.onnx'],
  ['q4', 'onnx/model_q4.onnx'],
] as const)('an export to %s', (dtype, modelPath) => {
  it('is a folder from which transformers.js generates the same tokens', async () => {
    const folder = await exported(dtype);
    expect([...folder.keys()].slice(-2)).toEqual([modelPath, `${modelPath}_data`]);

    // The library's own loading code is run in the browser test; here its model class meets the
    // exported graph with its own cache, masks and num_logits_to_keep.
    const transformers = await loadTransformers(runtime);
    const session = await runtime.ort.InferenceSession.create(
      folder.get(modelPath) ?? new Uint8Array(0),
      {
        executionProviders: ['wasm'],
        externalData: [
          {
            path: `${modelPath.slice('onnx/'.length)}_data`,
            data: folder.get(`${modelPath}_data`) ?? new Uint8Array(0),
          },
        ],
      },
    );
    const config = new transformers.PretrainedConfig(
      JSON.parse(textOf(folder, 'config.json')) as object,
    );
    const generic = new transformers.LlamaForCausalLM(config, { model: session }, {});
    const loaded = await LoadedModel.load({ runtime, files, reader, dtype, provider: 'wasm' });
    const prompt = loaded.tokenizer.encodePrompt('Export me');
    const ids = BigInt64Array.from(prompt, (token) => BigInt(token));
    const output: unknown = await generic.generate({
      input_ids: new transformers.Tensor('int64', ids, [1, ids.length]),
      max_new_tokens: 12,
      eos_token_id: [2],
    });
    expect(output).toBeInstanceOf(transformers.Tensor);
    const tokens = Array.from((output as { data: BigInt64Array }).data, Number);
    const [reply] = await loaded.generateBatch(['Export me'], { maxNewTokens: 12 });
    expect(loaded.tokenizer.decode(tokens.slice(prompt.length))).toBe(reply?.text);
    await session.release();
    await loaded.dispose();
  });

  it('names its data file in the graph and in config.json', async () => {
    const folder = await exported(dtype);
    const modelName = modelPath.slice('onnx/'.length);
    const config: unknown = JSON.parse(textOf(folder, 'config.json'));
    expect(config).toMatchObject({
      model_type: 'llama',
      head_dim: 32,
      'transformers.js_config': { use_external_data_format: { [modelName]: 1 } },
    });
    expect(JSON.parse(textOf(folder, 'tokenizer_config.json'))).toMatchObject({
      chat_template: tinyTemplate,
      bos_token: '<s>',
    });
    const graph = onnx.ModelProto.decode(folder.get(modelPath) ?? new Uint8Array(0)).graph;
    const places = (graph?.initializer ?? [])
      .flatMap((tensor) => tensor.externalData ?? [])
      .filter((entry) => entry.key === 'location');
    expect(new Set(places.map((entry) => entry.value))).toEqual(new Set([`${modelName}_data`]));
  });
});
