import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFile } from '../../src/sources/model-files';
import { modelName, pageBytes, syntheticFamily, type FamilyOptions } from './synthetic-model';
import type { SyntheticModel } from './synthetic-model';

const pieceBytes = 8 * pageBytes;

/** Names of the folders: `base`, then `tuned-1` and so on. */
export function modelNames(modelCount: number): string[] {
  return Array.from({ length: modelCount }, (_, index) => modelName(index));
}

/**
 * Writes a base and its fine-tuned siblings as checkpoints in bf16: one folder a model with
 * `config.json` and its shards. Pages without weights stay holes where the file system has them.
 */
export async function writeModels(folder: string, options: FamilyOptions): Promise<void> {
  for (const model of await syntheticFamily(options)) {
    const target = join(folder, model.label);
    await mkdir(target, { recursive: true });
    for (const file of model.files.values()) await writeFile(model, file, join(target, file.path));
  }
}

async function writeFile(model: SyntheticModel, file: ModelFile, path: string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.truncate(file.sizeBytes);
    let offsetBytes = 0;
    while (offsetBytes < file.sizeBytes) {
      const from = offsetBytes;
      const limit = Math.min(from + pieceBytes, file.sizeBytes);
      while (offsetBytes < limit && model.isFilled(file.path, offsetBytes)) {
        offsetBytes += pageBytes;
      }
      const lengthBytes = Math.min(offsetBytes, limit) - from;
      if (lengthBytes > 0) {
        await handle.write(await file.read(from, lengthBytes), 0, lengthBytes, from);
      } else offsetBytes += pageBytes;
    }
  } finally {
    await handle.close();
  }
}
