import { ProgressMeter, type LongTask } from '../core/progress';
import { encodeOnnxModel } from '../formats/onnx-writer';
import type { TensorStream } from '../formats/tensor-stream';
import { checkSources } from './check-sources';
import { dataFileBytes } from './data-file-bytes';
import { parseDecoderConfig, type DecoderConfig } from './decoder-config';
import { buildDecoderGraph } from './decoder-graph';
import type { ModelTexts } from './model-texts';
import type { WeightEncoding, WeightPlan } from './weight-plan';

/** One file of an exported model; the same shape as the engine's `OutputFile`. */
export interface ExportedFile {
  /** Relative to the new folder, with `/` between parts. */
  readonly path: string;
  readonly sizeBytes: number;
  /** The bytes in order; weights are converted as they are asked for. */
  stream(): AsyncIterable<Uint8Array>;
  /** What follows bytes that an earlier stream gave; only those are gone through, not their weights. */
  streamAfter(kept: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** File name endings by which transformers.js 4.3.1 finds a dtype (`DEFAULT_DTYPE_SUFFIX_MAPPING`). */
const dtypeSuffixes = { fp32: '', fp16: '_fp16', q8: '_quantized', q4: '_q4' } as const;
const maxPositionCount = 8192;

export const exportedDtypes = ['fp32', 'fp16', 'q8', 'q4'] as const;

/** The graph's file in the folder `onnx`. */
export function graphFileName(dtype: WeightEncoding): string {
  return `model${dtypeSuffixes[dtype]}.onnx`;
}

/** What a config and a dtype make of a model, apart from its weights. */
export interface ExportedGraph {
  readonly config: DecoderConfig;
  readonly onnx: Uint8Array;
  readonly plan: WeightPlan;
}

/**
 * The graph that `describeExport` writes.
 * @throws LabError `model/unsupported`, `format/bad-config`
 */
export function describeGraph(
  configText: string,
  label: string,
  dtype: WeightEncoding,
): ExportedGraph {
  const config = parseDecoderConfig(configText, label);
  const { model, plan } = buildDecoderGraph(config, {
    dtype,
    dataFileName: `${graphFileName(dtype)}_data`,
    positionCount: Math.min(config.maxPositions, maxPositionCount),
    logits: 'keep',
  });
  return { config, onnx: encodeOnnxModel(model), plan };
}

/**
 * A folder that transformers.js loads as it is: `config.json`, the tokenizer's files,
 * `onnx/model<suffix>.onnx` and its data files. The weights pass once, in the order of their names, and
 * each data file by itself, so that a merge goes straight into its quantised form: nothing is stored
 * in 16 bits, and memory stays bounded whatever the model's size.
 *
 * @param texts the model's small files; `config.json` gets what transformers.js wants to know
 * @returns files in the order in which they are best written; progress is in bytes of weights
 * @throws LabError `model/unsupported`, `format/bad-config`; the streams throw what the source throws
 */
export function describeExport(
  source: TensorStream,
  texts: ModelTexts,
  dtype: WeightEncoding,
  task: LongTask = {},
): ExportedFile[] {
  const { label } = source;
  const { config, onnx, plan } = describeGraph(texts.get('config.json') ?? '', label, dtype);
  const modelName = graphFileName(dtype);
  for (const weight of plan.weights) checkSources(weight, source);
  const small = new Map(texts);
  small.set(
    'config.json',
    jsonText({
      ...config.raw,
      head_dim: config.headSize,
      num_key_value_heads: config.keyValueHeadCount,
      'transformers.js_config': { use_external_data_format: { [modelName]: plan.files.length } },
    }),
  );
  const tokenizerConfig = withChatTemplate(texts);
  if (tokenizerConfig !== undefined) small.set('tokenizer_config.json', tokenizerConfig);

  const totalBytes = plan.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // Made at the first byte, so that the rate does not count the time before.
  let meter: ProgressMeter | undefined;
  const count = (lengthBytes: number): void => {
    meter ??= new ProgressMeter(`Exporting ${label}`, totalBytes, 'bytes', task.onProgress);
    meter.advance(lengthBytes);
  };
  const encoder = new TextEncoder();
  const data = plan.files.map(({ name, sizeBytes }, fileIndex) =>
    file(`onnx/${name}`, sizeBytes, async function* (fromBytes) {
      count(fromBytes);
      const options = { fromBytes, signal: task.signal };
      for await (const bytes of dataFileBytes(plan, fileIndex, source, options)) {
        count(bytes.byteLength);
        yield bytes;
      }
    }),
  );
  return [
    ...[...small].map(([name, text]) => heldFile(name, encoder.encode(text))),
    heldFile(`onnx/${modelName}`, onnx),
    ...data,
  ];
}

function heldFile(path: string, bytes: Uint8Array): ExportedFile {
  // eslint-disable-next-line @typescript-eslint/require-await -- one shape for all files
  return file(path, bytes.byteLength, async function* (fromBytes) {
    yield bytes.subarray(fromBytes);
  });
}

function file(
  path: string,
  sizeBytes: number,
  streamFrom: (fromBytes: number) => AsyncIterable<Uint8Array>,
): ExportedFile {
  return {
    path,
    sizeBytes,
    stream: () => streamFrom(0),
    streamAfter: async function* (kept) {
      let keptBytes = 0;
      for await (const bytes of kept) keptBytes += bytes.byteLength;
      yield* streamFrom(keptBytes);
    },
  };
}

/** transformers.js reads the chat template only from tokenizer_config.json. */
function withChatTemplate(texts: ModelTexts): string | undefined {
  const template = texts.get('chat_template.jinja');
  const text = texts.get('tokenizer_config.json');
  if (template === undefined) return text;
  const config = JSON.parse(text ?? '{}') as Record<string, unknown>;
  return jsonText({ ...config, chat_template: template });
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
