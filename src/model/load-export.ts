import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import { quoted } from '../formats/text';
import type { ModelFile, ModelFiles } from '../sources/model-files';
import { describeGraph, exportedDtypes, graphFileName } from './describe-export';
import type { ModelTexts } from './model-texts';
import { readModelTexts } from './read-texts';
import type { WeightEncoding } from './weight-plan';

/** An exported folder read back: its weights are in the form in which a session wants them. */
export interface ReadExport {
  readonly label: string;
  readonly texts: ModelTexts;
  readonly dtype: WeightEncoding;
  /** The data files, as `allocateData` and `fillWeights` would make them. */
  readonly data: readonly Uint8Array<ArrayBuffer>[];
}

const pieceBytes = 16 << 20;

/** Whether a folder holds what `describeExport` writes, whichever its dtype. */
export function isExport(files: ModelFiles): boolean {
  return dtypeOf(files) !== undefined;
}

/**
 * Reads a folder that `describeExport` wrote, such as a finished run.
 * @throws LabError `model/unsupported` when another program or another version of this one wrote it;
 *   what the files throw
 */
export async function readExport(files: ModelFiles, task: LongTask = {}): Promise<ReadExport> {
  const { label } = files;
  const dtype = dtypeOf(files);
  if (dtype === undefined) throw foreign(label);
  const texts = await readModelTexts(files, task.signal);
  const { onnx, plan } = describeGraph(texts.get('config.json') ?? '', label, dtype);
  const stored = await wholeFile(files.files.get(`onnx/${graphFileName(dtype)}`), task);
  const isOurs = stored?.length === onnx.length && onnx.every((byte, at) => stored[at] === byte);
  if (!isOurs) throw foreign(label);
  const totalBytes = plan.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const meter = new ProgressMeter(`Reading ${label}`, totalBytes, 'bytes', task.onProgress);
  const data: Uint8Array<ArrayBuffer>[] = [];
  for (const { name, sizeBytes } of plan.files) {
    const file = files.files.get(`onnx/${name}`);
    if (file?.sizeBytes !== sizeBytes) throw foreign(label);
    const bytes = await wholeFile(file, task, meter);
    if (bytes !== undefined) data.push(bytes);
  }
  return { label, texts, dtype, data };
}

function dtypeOf({ files }: ModelFiles): WeightEncoding | undefined {
  return exportedDtypes.find((dtype) => files.has(`onnx/${graphFileName(dtype)}`));
}

async function wholeFile(
  file: ModelFile | undefined,
  { signal }: LongTask,
  meter?: ProgressMeter,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (file === undefined) return undefined;
  const whole = new Uint8Array(file.sizeBytes);
  for (let offsetBytes = 0; offsetBytes < file.sizeBytes; offsetBytes += pieceBytes) {
    const lengthBytes = Math.min(pieceBytes, file.sizeBytes - offsetBytes);
    whole.set(await file.read(offsetBytes, lengthBytes, signal), offsetBytes);
    meter?.advance(lengthBytes);
  }
  return whole;
}

function foreign(label: string): LabError {
  return new LabError(
    'model/unsupported',
    `${quoted(label)} holds no ONNX model as this version of MergeLab writes it; run the merge again to score it or chat with it.`,
    { details: { model: label } },
  );
}
