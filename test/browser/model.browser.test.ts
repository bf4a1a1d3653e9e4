import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabError } from '../../src/core/errors';
import type { Progress } from '../../src/core/progress';
import { streamCheckpoint } from '../../src/formats/tensor-stream';
import { describeExport } from '../../src/model/describe-export';
import { readExport } from '../../src/model/load-export';
import { LoadedModel } from '../../src/model/loaded-model';
import { loadBrowserRuntime } from '../../src/model/ort-browser';
import type { ModelProvider, OrtRuntime } from '../../src/model/ort-runtime';
import { loadTransformers } from '../../src/model/transformers-runtime';
import type { WeightEncoding } from '../../src/model/weight-plan';
import { memoryFiles } from '../../src/sources/memory-files';
import { largeTableConfig, largeTableWeights } from '../unit/model/large-table';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from '../unit/model/tiny-model';
import { tinyTexts } from '../unit/model/tiny-texts';

const files = tinyTexts(tinyConfig);
const reader = readerOf('tiny', tinyWeights(tinyConfig, 1), tensorShapes(tinyConfig));
// 32 new tokens and more take another attention kernel on WebGPU than fewer do.
const tokens = Array.from({ length: 40 }, (_, index) => 3 + ((index * 17) % 120));

/** A software adapter compiles shaders for seconds, on a busy machine for minutes. */
const slowGpuMs = 300_000;

let runtime: OrtRuntime;
beforeAll(async () => {
  runtime = await loadBrowserRuntime(new URL('/ort/', location.href).href);
});

async function load(dtype: WeightEncoding, provider: ModelProvider): Promise<LoadedModel> {
  return LoadedModel.load({ runtime, files, reader, dtype, provider });
}

describe('models in a browser', () => {
  it('leaves one core to the page', () => {
    expect(crossOriginIsolated).toBe(true);
    const free = navigator.hardwareConcurrency - 1;
    expect(runtime.threadCount).toBe(Math.max(1, Math.min(4, free)));
  });

  // Both providers sum float32 products in their own order, through two layers, for logits up to 6:
  // the worst difference seen is 1e-5 (SwiftShader, Chromium 156).
  it.each(['fp32', 'q4'] as const)(
    'gives the same logits on WebGPU and wasm: %s',
    async (dtype) => {
      const wasm = await load(dtype, 'wasm');
      const webgpu = await load(dtype, 'webgpu');
      const [expected, found] = [await wasm.logits(tokens), await webgpu.logits(tokens)];
      const worst = expected.reduce(
        (most, value, index) => Math.max(most, Math.abs(value - (found[index] ?? NaN))),
        0,
      );
      expect(worst).toBeLessThan(1e-4);
      await wasm.dispose();
      await webgpu.dispose();
    },
    slowGpuMs,
  );

  it(
    'gives the same logits on WebGPU and wasm: q4 with a table in 4 bits',
    async () => {
      const shapes = tensorShapes(largeTableConfig);
      const large = readerOf('large', largeTableWeights(), shapes, 'F32');
      const options = { runtime, files: tinyTexts(largeTableConfig), reader: large } as const;
      const wasm = await LoadedModel.load({ ...options, dtype: 'q4', provider: 'wasm' });
      const some = [5, 90, largeTableConfig.vocab_size - 1, 33, 200_000, 71];
      const expected = await wasm.logits(some);
      await wasm.dispose();
      const webgpu = await LoadedModel.load({ ...options, dtype: 'q4', provider: 'webgpu' });
      const found = await webgpu.logits(some);
      await webgpu.dispose();
      expect(found.length).toBe(expected.length);
      const worst = expected.reduce(
        (most, value, index) => Math.max(most, Math.abs(value - (found[index] ?? NaN))),
        0,
      );
      expect(worst).toBeLessThan(1e-4);
    },
    slowGpuMs,
  );

  it(
    'writes the same replies on WebGPU and wasm, batched and streamed',
    async () => {
      const wasm = await load('fp32', 'wasm');
      const webgpu = await load('fp32', 'webgpu');
      // Prompts of unequal length: right padding, then one token a row at its own position.
      const prompts = ['a', 'some more words', 'and yet more words than that'];
      const options = { maxNewTokens: 4 };
      const replies = await wasm.generateBatch(prompts, options);
      expect(await webgpu.generateBatch(prompts, options)).toEqual(replies);
      const streamed = await webgpu.generateStream(prompts[1] ?? '', options);
      expect(streamed.text).toBe(replies[1]?.text);
      await wasm.dispose();
      await webgpu.dispose();
    },
    slowGpuMs,
  );

  it('hears an abort while it writes, without leaving the microtask queue by itself', async () => {
    const model = await load('fp32', 'wasm');
    const controller = new AbortController();
    const prompts = Array.from({ length: 64 }, (_, index) => `text number ${String(index)}`);
    const stopped = model.generateBatch(prompts, {
      maxNewTokens: 40,
      signal: controller.signal,
    });
    setTimeout(() => {
      controller.abort();
    }, 20);
    await expect(stopped).rejects.toHaveProperty('name', 'AbortError');
    await model.dispose();
  });
});

describe.each([
  ['fp32', 1e-4],
  // Eleven bits of every product's inputs.
  ['fp16', 0.03],
  ['q8', 1e-4],
  ['q4', 1e-4],
] as const)('a folder exported to %s', (dtype, tolerance) => {
  const folder = new Map<string, Uint8Array<ArrayBuffer>>();

  beforeAll(async () => {
    for (const file of describeExport(streamCheckpoint(reader), files, dtype)) {
      const bytes = new Uint8Array(file.sizeBytes);
      let offsetBytes = 0;
      for await (const piece of file.stream()) {
        bytes.set(piece, offsetBytes);
        offsetBytes += piece.byteLength;
      }
      folder.set(file.path, bytes);
    }
  });

  it('gives our own session its weights, and the reason when they cannot be read', async () => {
    const exported = await readExport(memoryFiles('tiny', folder));
    const direct = await load(dtype, 'wasm');
    const reports: Progress[] = [];
    const again = await LoadedModel.loadExport(
      exported,
      { runtime, provider: 'wasm' },
      { onProgress: (progress) => reports.push(progress) },
    );
    expect(await again.logits(tokens)).toEqual(await direct.logits(tokens));
    expect(reports.at(-1)?.done).toBeGreaterThan(0.99 * again.facts.weightBytes);
    await again.dispose();
    await direct.dispose();
    const gone = new LabError('source/read-failed', 'The file is gone; pick it again.');
    const data = exported.data.map((file) => ({ ...file, read: async () => Promise.reject(gone) }));
    await expect(
      LoadedModel.loadExport({ ...exported, data }, { runtime, provider: 'wasm' }),
    ).rejects.toBe(gone);
  });

  it('is loaded by transformers.js as it is, with the logits of our own fp32 or quantised session', async () => {
    const { AutoModelForCausalLM, AutoTokenizer, Tensor, env } = await loadTransformers(runtime);
    env.allowLocalModels = true;
    env.localModelPath = '/exported/';
    env.useCustomCache = true;
    env.customCache = {
      match: async (url: string) => {
        const bytes = folder.get(url.split(`/lab/tiny-${dtype}/`)[1] ?? '');
        return Promise.resolve(bytes === undefined ? undefined : new Response(bytes));
      },
      put: async () => Promise.resolve(),
    };
    const tokenizer = await AutoTokenizer.from_pretrained(`lab/tiny-${dtype}`);
    const model = await AutoModelForCausalLM.from_pretrained(`lab/tiny-${dtype}`, {
      dtype,
      // With a runtime handed to it, the library knows no devices; `auto` asks for none.
      device: 'auto',
      session_options: { executionProviders: ['wasm'] },
    });
    const inputs = tokenizer.apply_chat_template([{ role: 'user', content: 'Export me' }], {
      add_generation_prompt: true,
      return_dict: true,
    });
    const generated: unknown = await model.generate({ ...(inputs as object), max_new_tokens: 12 });
    const all = Array.from((generated as { data: BigInt64Array }).data, Number);
    const ids = BigInt64Array.from(tokens, BigInt);
    const output: unknown = await model({
      input_ids: new Tensor('int64', ids, [1, ids.length]),
      attention_mask: new Tensor(
        'int64',
        ids.map(() => 1n),
        [1, ids.length],
      ),
    });
    const found = (output as { logits: { data: Float32Array } }).logits.data;

    const own = await load(dtype === 'fp16' ? 'fp32' : dtype, 'wasm');
    const expected = await own.logits(tokens);
    expect(found.length).toBe(expected.length);
    const worst = expected.reduce(
      (most, value, index) => Math.max(most, Math.abs(value - (found[index] ?? NaN))),
      0,
    );
    expect(worst).toBeLessThan(tolerance);
    const [reply] = await own.generateBatch(['Export me'], { maxNewTokens: 12 });
    const promptLength = own.tokenizer.encodePrompt('Export me').length;
    expect(own.tokenizer.decode(all.slice(promptLength))).toBe(reply?.text);
    await own.dispose();
    await model.dispose();
  });

  afterAll(async () => {
    const { env } = await loadTransformers(runtime);
    env.allowLocalModels = false;
    env.useCustomCache = false;
    env.customCache = null;
  });
});
