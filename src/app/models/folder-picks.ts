import { LabError } from '../../core/errors';
import type { PickedFolder } from '../../rpc/lab';
import { placedFiles } from '../../sources/browser-folder';
import { groupModels } from '../../sources/model-groups';

/** What files are called that were picked by themselves and make a model together. */
const looseName = 'chosen-files';

/**
 * Finds the models and adapters in what a picker hands over, folders or single files.
 * @throws LabError `source/missing-file` when there is none in it
 */
export function modelFoldersIn(files: readonly File[]): PickedFolder[] {
  const groups = groupModels(placedFiles(files), looseName);
  if (groups.length > 0) {
    return groups.map(({ name, members }) => ({
      name,
      files: members.map((one) => one.file.file),
    }));
  }
  const [first] = files;
  const top = first?.webkitRelativePath.split('/')[0] ?? '';
  throw new LabError(
    'source/missing-file',
    `${top === '' ? (first?.name ?? 'The folder') : top} holds no model: there is no config.json in it, and no .safetensors or .gguf file; choose a folder in Hugging Face layout, one that contains several of them, or such a file.`,
  );
}

export function folderSizeBytes(folder: PickedFolder): number {
  return folder.files.reduce((sum, file) => sum + file.size, 0);
}
