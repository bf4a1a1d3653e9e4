import { beforeAll, describe, expect, it } from 'vitest';
import type { CheckpointReader } from '../../../src/formats/checkpoint-reader';
import { streamCheckpoint } from '../../../src/formats/tensor-stream';
import { generateGreedy } from '../../../src/model/batch-generator';
import { parseDecoderConfig } from '../../../src/model/decoder-config';
import { buildDecoderGraph } from '../../../src/model/decoder-graph';
import { describeExport, describeGraph } from '../../../src/model/describe-export';
import type { LogitRows } from '../../../src/model/head-graph';
import { dequantise, quantise4 } from '../../../src/model/quantise-blocks';
import { sequenceLogits } from '../../../src/model/score-tokens';
import { loadTransformers } from '../../../src/model/transformers-runtime';
import { configOf, modelShapes } from '../../../tools/synth/model-shapes';
import { largeTableConfig, largeTableWeights } from './large-table';
import { openSession, runtime } from './open-session';
import { readerOf, tensorShapes } from './tiny-model';
import { tinyTexts } from './tiny-texts';

const shapes = tensorShapes(largeTableConfig);
const tokens = [5, 90, largeTableConfig.vocab_size - 1, 33, 200_000, 71];

describe('a q4 model whose table is in 4 bits', () => {
  let reader: CheckpointReader;
  /** The same model with the weights that the 4 bits stand for. */
  let rounded: CheckpointReader;

  beforeAll(() => {
    const weights = largeTableWeights();
    reader = readerOf('large', weights, shapes, 'F32');
    const roundedWeights = new Map(weights);
    for (const [name, values] of weights) {
      const [rows = 1, columns] = shapes.get(name) ?? [];
      if (columns === undefined) continue;
      const blocks = quantise4(values, rows, columns);
      roundedWeights.set(name, dequantise(blocks, rows, columns));
    }
    rounded = readerOf('large', roundedWeights, shapes, 'F32');
  });

  it('looks tokens up in and multiplies by exactly the rounded weights', async () => {
    const quantised = await openSession(largeTableConfig, reader, 'q4');
    const found = await sequenceLogits(quantised, tokens, 'large');
    await quantised.retire();
    const plain = await openSession(largeTableConfig, rounded, 'fp32');
    const expected = await sequenceLogits(plain, tokens, 'large');
    await plain.retire();
    expect(found.length).toBe(tokens.length * largeTableConfig.vocab_size);
    let worst = 0;
    let spread = 0;
    expected.forEach((value, index) => {
      worst = Math.max(worst, Math.abs(value - (found[index] ?? NaN)));
      spread = Math.max(spread, Math.abs(value));
    });
    expect(spread).toBeGreaterThan(2);
    expect(worst).toBeLessThan(1e-4);
  });

  it('is exported so that transformers.js generates the same tokens', async () => {
    const folder = new Map<string, Uint8Array>();
    const texts = tinyTexts(largeTableConfig);
    for (const file of describeExport(streamCheckpoint(reader), texts, 'q4')) {
      const pieces: Uint8Array[] = [];
      for await (const bytes of file.stream()) pieces.push(bytes.slice());
      folder.set(file.path, new Uint8Array(Buffer.concat(pieces)));
    }
    const transformers = await loadTransformers(runtime);
    const session = await runtime.ort.InferenceSession.create(
      folder.get('onnx/model_q4.onnx') ?? new Uint8Array(0),
      {
        executionProviders: ['wasm'],
        externalData: [
          {
            path: 'model_q4.onnx_data',
            data: folder.get('onnx/model_q4.onnx_data') ?? new Uint8Array(0),
          },
        ],
      },
    );
    const config = new transformers.PretrainedConfig(
      JSON.parse(new TextDecoder().decode(folder.get('config.json'))) as object,
    );
    const generic = new transformers.LlamaForCausalLM(config, { model: session }, {});
    const output: unknown = await generic.generate({
      input_ids: new transformers.Tensor('int64', BigInt64Array.from(tokens, BigInt), [
        1,
        tokens.length,
      ]),
      max_new_tokens: 5,
      eos_token_id: [2],
    });
    await session.release();
    const plain = await openSession(largeTableConfig, rounded, 'fp32');
    const options = { maxNewTokens: 5, eosTokenIds: [2], label: 'large' };
    const [reply] = await generateGreedy(plain, [tokens], options);
    await plain.retire();
    const all = Array.from((output as { data: BigInt64Array }).data, Number);
    expect(all.slice(tokens.length)).toEqual(reply?.tokens);
  });
});

describe('the head of a large model', () => {
  it.each(['q8', 'q4'] as const)('is widened in slices with %s', (dtype) => {
    const shape = configOf(modelShapes['gemma-2b']);
    const config = parseDecoderConfig(JSON.stringify(shape), 'gemma');
    const graphOf = (logits: LogitRows) =>
      buildDecoderGraph(config, { dtype, dataFileName: 'weights', positionCount: 64, logits });
    const productRows = (logits: LogitRows): readonly number[] =>
      graphOf(logits)
        .model.graph.nodes.filter(({ opType }) => opType === 'MatMulNBits')
        .flatMap(({ attributes: { N } }) => (N?.type === 'int' ? [N.value] : []))
        .slice(7 * config.layerCount);
    // transformers.js runs the other one, on WebGPU, which widens nothing.
    expect(productRows('keep')).toEqual([config.vocabularySize]);
    const rows = productRows('rows');
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(config.vocabularySize);
    expect(Math.max(...rows) * config.hiddenSize * 4).toBeLessThan(65 * 1024 * 1024);
    // The files are the same, so that an export is loaded as it is.
    expect(graphOf('rows').plan).toEqual(graphOf('keep').plan);
  });
});

describe('the size of a q4 export', () => {
  it('is about 1.5 GB for Gemma-2-2B', () => {
    const config = JSON.stringify(configOf(modelShapes['gemma-2b']));
    const { onnx, plan } = describeGraph(config, 'gemma', 'q4');
    const dataBytes = plan.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect((onnx.byteLength + dataBytes) / 1e9).toBeCloseTo(1.52, 2);
    expect(plan.files).toHaveLength(1);
  });
});
