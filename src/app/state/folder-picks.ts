import { LabError } from '../../core/errors';
import type { PickedFolder } from '../../rpc/lab';
import { placedFiles } from '../../sources/browser-folder';
import { groupModels, isAdapter } from '../../sources/model-groups';

/** What files are called that were picked by themselves and make a model together. */
const looseName = 'picked-files';

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
    `${top === '' ? (first?.name ?? 'The folder') : top} holds no model: there is no config.json and no .safetensors file in it; pick a folder in Hugging Face layout, one that contains several of them, or safetensors files.`,
  );
}

/** Adds folders to those picked before; a folder of the same name is replaced. */
export function withFolders(
  before: readonly PickedFolder[],
  added: readonly PickedFolder[],
): readonly PickedFolder[] {
  const names = new Set(added.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...added];
}

/** The folder that looks most like a base: one called base, else the first; never an adapter. */
export function likelyBase(folders: readonly PickedFolder[]): string {
  const models = folders.filter((folder) => !isAdapterFolder(folder));
  const named = models.find(({ name }) => /(^|[-_.])base([-_.]|$)/iu.test(name));
  return (named ?? models[0])?.name ?? '';
}

/** Whether a picked folder is an adapter, which is added to a model and is none itself. */
export function isAdapterFolder({ files }: PickedFolder): boolean {
  return isAdapter(files.map(({ name }) => name));
}

export function folderSizeBytes(folder: PickedFolder): number {
  return folder.files.reduce((sum, file) => sum + file.size, 0);
}
