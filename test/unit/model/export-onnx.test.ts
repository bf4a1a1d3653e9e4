import { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { exportOnnx, type ExportTarget } from '../../../src/model/export-onnx';
import { LoadedModel } from '../../../src/model/loaded-model';
import { loadTransformers } from '../../../src/model/transformers-runtime';
import { runtime } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';
import { tinyTemplate, tinyTexts } from './tiny-texts';

/** A folder in memory. */
class MemoryFolder implements ExportTarget {
  readonly files = new Map<string, Uint8Array>();

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, bytes);
    return Promise.resolve();
  }

  async openFile(path: string, sizeBytes: number): Promise<ReturnType<typeof memoryFile>> {
    const bytes = new Uint8Array(sizeBytes);
    this.files.set(path, bytes);
    return Promise.resolve(memoryFile(bytes));
  }

  text(path: string): string {
    return new TextDecoder().decode(this.files.get(path));
  }
}

function memoryFile(bytes: Uint8Array): {
  write(offsetBytes: number, part: Uint8Array): Promise<void>;
  close(): Promise<void>;
} {
  return {
    write: async (offsetBytes, part) => {
      bytes.set(part, offsetBytes);
      return Promise.resolve();
    },
    close: async () => Promise.resolve(),
  };
}

const reader = readerOf('tiny', tinyWeights(tinyConfig, 1), tensorShapes(tinyConfig));
const files = tinyTexts(tinyConfig);

describe.each([
  ['fp32', 'onnx/model.onnx'],
  ['q8', 'onnx/model_quantized.onnx'],
  ['q4', 'onnx/model_q4.onnx'],
] as const)('exportOnnx to %s', (dtype, modelPath) => {
  it('writes a folder from which transformers.js generates the same tokens', async () => {
    const folder = new MemoryFolder();
    const paths = await exportOnnx({ files, reader, dtype }, folder);
    expect(paths).toEqual([...folder.files.keys()]);
    expect(paths.slice(-2)).toEqual([modelPath, `${modelPath}_data`]);

    // The library's own loading code is run in the browser test; here its model class meets the
    // exported graph with its own cache, masks and num_logits_to_keep.
    const transformers = await loadTransformers(runtime);
    const session = await runtime.ort.InferenceSession.create(
      folder.files.get(modelPath) ?? new Uint8Array(0),
      {
        executionProviders: ['wasm'],
        externalData: [
          {
            path: `${modelPath.slice('onnx/'.length)}_data`,
            data: folder.files.get(`${modelPath}_data`) ?? new Uint8Array(0),
          },
        ],
      },
    );
    const config = new transformers.PretrainedConfig(
      JSON.parse(folder.text('config.json')) as object,
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
    const folder = new MemoryFolder();
    await exportOnnx({ files, reader, dtype }, folder);
    const modelName = modelPath.slice('onnx/'.length);
    const config: unknown = JSON.parse(folder.text('config.json'));
    expect(config).toMatchObject({
      model_type: 'llama',
      head_dim: 32,
      'transformers.js_config': { use_external_data_format: { [modelName]: 1 } },
    });
    expect(JSON.parse(folder.text('tokenizer_config.json'))).toMatchObject({
      chat_template: tinyTemplate,
      bos_token: '<s>',
    });
    const graph = onnx.ModelProto.decode(folder.files.get(modelPath) ?? new Uint8Array(0)).graph;
    const places = (graph?.initializer ?? [])
      .flatMap((tensor) => tensor.externalData ?? [])
      .filter((entry) => entry.key === 'location');
    expect(new Set(places.map((entry) => entry.value))).toEqual(new Set([`${modelName}_data`]));
  });
});
