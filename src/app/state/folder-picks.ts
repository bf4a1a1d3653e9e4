import { LabError } from '../../core/errors';
import type { PickedFolder } from '../../rpc/lab';

/** Names that make a folder a model. */
const markers = /^(config\.json|model.*\.safetensors(\.index\.json)?)$/u;

/**
 * Finds the model folders in what a folder picker hands over: the picked folder itself, or every
 * folder below it that holds a config.json or safetensors file. Files in deeper folders belong to
 * the nearest model folder above them.
 * @throws LabError `source/missing-file` when there is no model in it
 */
export function modelFoldersIn(files: readonly File[]): PickedFolder[] {
  const roots = new Set<string>();
  for (const file of files) {
    const { folder, name } = partsOf(file);
    if (markers.test(name)) roots.add(folder);
  }
  if (roots.size === 0) {
    const top = files[0]?.webkitRelativePath.split('/')[0] ?? 'The folder';
    throw new LabError(
      'source/missing-file',
      `${top} holds no model: there is no config.json and no .safetensors file in it; pick a folder in Hugging Face layout, or one that contains several of them.`,
    );
  }
  const byRoot = new Map<string, File[]>([...roots].map((root) => [root, []]));
  for (const file of files) {
    const root = nearestRoot(partsOf(file).folder, roots);
    if (root !== undefined) byRoot.get(root)?.push(file);
  }
  return [...byRoot].map(([root, own]) => ({ name: root.split('/').at(-1) ?? root, files: own }));
}

/** Adds folders to those picked before; a folder of the same name is replaced. */
export function withFolders(
  before: readonly PickedFolder[],
  added: readonly PickedFolder[],
): readonly PickedFolder[] {
  const names = new Set(added.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...added];
}

/** The folder that looks most like a base: one called base, else the first. */
export function likelyBase(folders: readonly PickedFolder[]): string {
  const named = folders.find(({ name }) => /(^|[-_.])base([-_.]|$)/iu.test(name));
  return (named ?? folders[0])?.name ?? '';
}

export function folderSizeBytes(folder: PickedFolder): number {
  return folder.files.reduce((sum, file) => sum + file.size, 0);
}

function partsOf(file: File): { folder: string; name: string } {
  const path = file.webkitRelativePath === '' ? file.name : file.webkitRelativePath;
  const at = path.lastIndexOf('/');
  return { folder: at < 0 ? '' : path.slice(0, at), name: path.slice(at + 1) };
}

function nearestRoot(folder: string, roots: ReadonlySet<string>): string | undefined {
  for (let path = folder; ; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) {
    if (roots.has(path)) return path;
    if (path === '') return undefined;
  }
}
