import { basename, resolve } from 'node:path';
import { LoadedModel } from '../model/loaded-model';
import { loadNodeRuntime } from '../model/ort-node';
import { readModelTexts } from '../model/read-texts';
import type { WeightEncoding } from '../model/weight-plan';
import type { ModelFiles } from '../sources/model-files';
import { openNodeFolder } from '../sources/node-folder';
import { openModel } from '../sources/open-model';

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

/** Loads a model folder on the CPU. Its files are closed again: the weights are in memory. */
export async function loadFolder(folder: string, dtype: WeightEncoding): Promise<LoadedModel> {
  return withFolder(folder, async (found) => {
    const { files, checkpoint } = await openModel(found);
    return LoadedModel.load({
      runtime: loadNodeRuntime(),
      files: await readModelTexts(files),
      reader: checkpoint,
      dtype,
      provider: 'wasm',
    });
  });
}
