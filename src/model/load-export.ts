import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import { quoted } from '../formats/text';
import type { ModelFile, ModelFiles } from '../sources/model-files';
import { describeGraph, exportedDtypes, graphFileName } from './describe-export';
import type { ModelTexts } from './model-texts';
import { readModelTexts } from './read-texts';
import { wholeFile } from './weight-files';
import type { WeightEncoding } from './weight-plan';

/** An exported folder read back: its weights are in the form in which a session wants them. */
export interface ReadExport {
  readonly label: string;
  readonly texts: ModelTexts;
  readonly dtype: WeightEncoding;
  /** The data files, as `allocateData` and `fillWeights` would make them; not read yet. */
  readonly data: readonly ModelFile[];
}

/** Whether a folder holds what `describeExport` writes, whichever its dtype. */
export function isExport(files: ModelFiles): boolean {
  return dtypeOf(files) !== undefined;
}

/**
 * Finds what a session needs in a folder that `describeExport` wrote, such as a finished run. Its
 * weights are read when a model is made of it.
 * @throws LabError `model/unsupported` when another program or another version of this one wrote it;
 *   what the files throw
 */
export async function readExport(
  files: ModelFiles,
  task: Pick<LongTask, 'signal'> = {},
): Promise<ReadExport> {
  const { label } = files;
  const dtype = dtypeOf(files);
  if (dtype === undefined) throw foreign(label);
  const texts = await readModelTexts(files, task.signal);
  const { onnx, plan } = describeGraph(texts.get('config.json') ?? '', label, dtype);
  const file = files.files.get(`onnx/${graphFileName(dtype)}`);
  const stored = file && (await wholeFile(file, task));
  const isOurs = stored?.length === onnx.length && onnx.every((byte, at) => stored[at] === byte);
  if (!isOurs) throw foreign(label);
  const data = plan.files.map(({ name, sizeBytes }) => {
    const file = files.files.get(`onnx/${name}`);
    if (file?.sizeBytes !== sizeBytes) throw foreign(label);
    return file;
  });
  return { label, texts, dtype, data };
}

function dtypeOf({ files }: ModelFiles): WeightEncoding | undefined {
  return exportedDtypes.find((dtype) => files.has(`onnx/${graphFileName(dtype)}`));
}

function foreign(label: string): LabError {
  return new LabError(
    'model/unsupported',
    `${quoted(label)} holds no ONNX model as this version of MergeLab writes it; run the merge again to score it or chat with it.`,
    { details: { model: label } },
  );
}
