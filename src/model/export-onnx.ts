import type { LongTask } from '../core/progress';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import { encodeOnnxModel } from '../formats/onnx-writer';
import { parseDecoderConfig } from './decoder-config';
import { fillWeights } from './fill-weights';
import { buildLlamaGraph } from './llama-graph';
import type { ModelTexts } from './model-texts';
import type { WeightEncoding } from './weight-plan';

/** Where exported files go. Paths use `/` and are relative to the new model's folder. */
export interface ExportTarget {
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Opens a file of known size, whose parts are then written in no particular order. */
  openFile(path: string, sizeBytes: number): Promise<ExportFile>;
}

export interface ExportFile {
  write(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface ExportOptions extends LongTask {
  readonly files: ModelTexts;
  readonly reader: CheckpointReader;
  readonly dtype: WeightEncoding;
}

/** File name endings by which transformers.js 4.3.1 finds a dtype (`DEFAULT_DTYPE_SUFFIX_MAPPING`). */
const dtypeSuffixes = { fp32: '', q8: '_quantized', q4: '_q4' } as const;
const maxPositionCount = 8192;

/**
 * Writes a folder that transformers.js loads as it is: `config.json`, the tokenizer's files,
 * `onnx/model<suffix>.onnx` and its data files. Memory stays bounded whatever the model's size.
 *
 * @returns paths written, in order
 * @throws LabError `model/unsupported`, `format/bad-config`; what reader and target throw. An abort
 *   or an error leaves the files written so far to the caller.
 */
export async function exportOnnx(options: ExportOptions, target: ExportTarget): Promise<string[]> {
  const { files, reader, dtype } = options;
  const config = parseDecoderConfig(files.get('config.json') ?? '', reader.label);
  const modelName = `model${dtypeSuffixes[dtype]}.onnx`;
  const { model, plan } = buildLlamaGraph(config, {
    dtype,
    dataFileName: `${modelName}_data`,
    positionCount: Math.min(config.maxPositions, maxPositionCount),
    logits: 'keep',
  });
  const written: string[] = [];
  const write = async (path: string, bytes: Uint8Array): Promise<void> => {
    await target.writeFile(path, bytes);
    written.push(path);
  };
  const texts = new Map(files);
  texts.set(
    'config.json',
    jsonText({
      ...config.raw,
      head_dim: config.headSize,
      num_key_value_heads: config.keyValueHeadCount,
      'transformers.js_config': { use_external_data_format: { [modelName]: plan.files.length } },
    }),
  );
  const tokenizerConfig = withChatTemplate(files);
  if (tokenizerConfig !== undefined) texts.set('tokenizer_config.json', tokenizerConfig);
  for (const [name, text] of texts) await write(name, new TextEncoder().encode(text));
  await write(`onnx/${modelName}`, encodeOnnxModel(model));

  const opened: ExportFile[] = [];
  try {
    for (const file of plan.files) {
      opened.push(await target.openFile(`onnx/${file.name}`, file.sizeBytes));
      written.push(`onnx/${file.name}`);
    }
    await fillWeights(
      plan,
      reader,
      async (fileIndex, offsetBytes, bytes) => opened[fileIndex]?.write(offsetBytes, bytes),
      options,
    );
  } finally {
    for (const file of opened) await file.close();
  }
  return written;
}

/** transformers.js reads the chat template only from tokenizer_config.json. */
function withChatTemplate(files: ModelTexts): string | undefined {
  const template = files.get('chat_template.jinja');
  const text = files.get('tokenizer_config.json');
  if (template === undefined) return text;
  const config = JSON.parse(text ?? '{}') as Record<string, unknown>;
  return jsonText({ ...config, chat_template: template });
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
