import { encodeOnnxModel } from '../../../src/formats/onnx-writer';
import type { CheckpointReader } from '../../../src/formats/checkpoint-reader';
import { parseDecoderConfig } from '../../../src/model/decoder-config';
import { DecoderSession } from '../../../src/model/decoder-session';
import { allocateData, fillWeights } from '../../../src/model/fill-weights';
import { buildDecoderGraph } from '../../../src/model/decoder-graph';
import { loadNodeRuntime } from '../../../src/model/ort-node';
import type { WeightEncoding } from '../../../src/model/weight-plan';

/** One thread: test machines are small and the models smaller. */
export const runtime = loadNodeRuntime(1);

/** A session on the wasm provider over a config and weights. */
export async function openSession(
  config: object,
  reader: CheckpointReader,
  dtype: WeightEncoding = 'fp32',
): Promise<DecoderSession> {
  const parsed = parseDecoderConfig(JSON.stringify(config), reader.label);
  const positionCount = parsed.maxPositions;
  const graph = buildDecoderGraph(parsed, {
    dtype,
    dataFileName: 'weights.bin',
    positionCount,
    logits: 'rows',
  });
  const data = allocateData(graph.plan);
  await fillWeights(graph.plan, reader, data);
  return DecoderSession.create(
    {
      config: parsed,
      positionCount,
      onnx: encodeOnnxModel(graph.model),
      cacheType: graph.cacheType,
      data: graph.plan.files.map((file, index) => ({
        path: file.name,
        data: data[index] ?? new Uint8Array(0),
      })),
    },
    'wasm',
    runtime,
  );
}
