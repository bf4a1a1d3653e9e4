import { basename, resolve } from 'node:path';
import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import { quoted } from '../formats/text';
import { isExport, readExport } from '../model/load-export';
import { LoadedModel } from '../model/loaded-model';
import { loadNodeRuntime } from '../model/ort-node';
import { readModelTexts } from '../model/read-texts';
import { encodingFor } from '../model/session-memory';
import type { WeightEncoding } from '../model/weight-plan';
import type { ModelFiles } from '../sources/model-files';
import { openNodeFolder } from '../sources/node-folder';
import { openModel } from '../sources/open-model';
import { contentsOf } from '../workers/open-model';

/** The encodings in which a model can be run. */
export const runnableDtypes = ['fp32', 'fp16', 'q8', 'q4'] as const;

/** Opens a folder for the time of `use`, and closes its files afterwards. */
export async function withFolder<T>(
  folder: string,
  use: (files: ModelFiles) => Promise<T>,
): Promise<T> {
  const files = await openNodeFolder(folder, basename(resolve(folder)));
  try {
    return await use(files);
  } finally {
    await files.close();
  }
}

/**
 * Loads a model folder, or a folder that `mergelab export` wrote, on the CPU. Its files are closed
 * again: the weights are in memory.
 *
 * @param dtype by default that of an export, and else what suits the model's size
 */
export async function loadFolder(
  folder: string,
  dtype?: WeightEncoding,
  task: LongTask = {},
): Promise<LoadedModel> {
  return withFolder(folder, async (found) => {
    const setting = { runtime: loadNodeRuntime(), provider: 'wasm' } as const;
    if (isExport(found)) {
      const exported = await readExport(found, task);
      if (dtype !== undefined && dtype !== exported.dtype) {
        throw new LabError(
          'cli/usage',
          `${quoted(found.label)} holds weights in ${exported.dtype}, not ${dtype}; leave --dtype out.`,
        );
      }
      return LoadedModel.loadExport(exported, setting, task);
    }
    const { files, checkpoint } = await openModel(found, task.signal);
    return LoadedModel.load({
      ...setting,
      files: await readModelTexts(files, task.signal),
      reader: checkpoint,
      dtype: dtype ?? encodingFor(contentsOf(checkpoint).parameterCount),
      ...task,
    });
  });
}
