import { LabError } from '../../core/errors';
import type { PickedFolder } from '../../rpc/lab';
import { isAdapter } from '../../sources/model-groups';
import type { ChosenModel } from './chosen-models.svelte';
import type { Dropped } from './dropped';
import { folderSizeBytes, modelFoldersIn } from './folder-picks';

/** Single files that are a model by themselves. */
const modelFile = /\.(safetensors|gguf)$/iu;
const weightFile = /\.(safetensors|gguf|bin)$/iu;
/** Files that make their folder a model or an adapter. */
const markers = new Set(['config.json', 'adapter_config.json', 'model.safetensors']);
/** Below a picked folder; deeper ones are not looked at. */
const maxDepth = 3;
const maxFileCount = 2000;

interface FolderPicker {
  showDirectoryPicker?: (options: { id: string }) => Promise<FileSystemDirectoryHandle>;
}

/** Whether the browser can hand out folders that it finds again at the next visit. */
export function canKeepFolders(): boolean {
  return (globalThis as FolderPicker).showDirectoryPicker !== undefined;
}

/**
 * Asks for a folder. Must be called from a click. Rejects with an AbortError when the person closes
 * the dialog.
 */
export async function pickFolder(): Promise<readonly ChosenModel[]> {
  const picker = (globalThis as FolderPicker).showDirectoryPicker;
  if (picker === undefined) return [];
  return modelsInHandle(await picker.call(globalThis, { id: 'mergelab-models' }));
}

/**
 * The models in a folder or file that the browser gave a handle to: the folder itself, or folders
 * below it, that hold a config.json or weights; a `.safetensors` or `.gguf` file.
 * @throws LabError `source/missing-file` when there is none
 */
export async function modelsInHandle(handle: FileSystemHandle): Promise<readonly ChosenModel[]> {
  const found: ChosenModel[] = [];
  if (handle instanceof FileSystemDirectoryHandle) {
    await findModels(handle, 1, { found, fileCount: 0 });
  } else if (handle instanceof FileSystemFileHandle && modelFile.test(handle.name)) {
    const { size } = await handle.getFile();
    found.push({ id: fileTitle(handle.name), place: { kind: 'handle', handle }, sizeBytes: size });
  }
  if (found.length === 0) throw noModel(handle.name);
  return found;
}

/**
 * The models among files of a file picker or of a dropped folder; they are open for this visit.
 * @throws LabError `source/missing-file` when there is none
 */
export function modelsInFiles(files: readonly File[]): readonly ChosenModel[] {
  return modelFoldersIn(files).map(modelOfFolder);
}

export function modelOfFolder(folder: PickedFolder): ChosenModel {
  return {
    id: folder.name,
    place: { kind: 'folder', ...folder },
    sizeBytes: folderSizeBytes({
      ...folder,
      files: folder.files.filter(({ name }) => weightFile.test(name)),
    }),
    ...adapterFact(folder.files.map(({ name }) => name)),
  };
}

function adapterFact(names: readonly string[]): Pick<ChosenModel, 'isAdapter'> {
  return isAdapter(names) ? { isAdapter: true } : {};
}

/**
 * The models in what was dropped on the page.
 * @throws LabError `source/missing-file` when there is none in one of the things
 */
export async function modelsInDropped(
  dropped: readonly Dropped[],
): Promise<readonly ChosenModel[]> {
  const models: ChosenModel[] = [];
  for (const one of dropped) models.push(...(await modelsInOne(one)));
  return models;
}

async function modelsInOne(dropped: Dropped): Promise<readonly ChosenModel[]> {
  switch (dropped.kind) {
    case 'handle': {
      const handle = await dropped.handle;
      if (handle) return modelsInHandle(handle);
      return dropped.file === null ? [] : modelsInFiles([dropped.file]);
    }
    case 'entry':
      return modelsInEntry(dropped.entry as FileSystemDirectoryEntry, 1);
    case 'file':
      return modelsInFiles([dropped.file]);
  }
}

interface Search {
  readonly found: ChosenModel[];
  fileCount: number;
}

async function findModels(
  folder: FileSystemDirectoryHandle,
  depth: number,
  search: Search,
): Promise<void> {
  const below: FileSystemDirectoryHandle[] = [];
  const names: string[] = [];
  let sizeBytes = 0;
  for await (const child of folder.values()) {
    if (child.name.startsWith('.') || ++search.fileCount > maxFileCount) continue;
    if (child instanceof FileSystemDirectoryHandle) below.push(child);
    if (!(child instanceof FileSystemFileHandle)) continue;
    names.push(child.name);
    if (weightFile.test(child.name)) sizeBytes += (await child.getFile()).size;
  }
  if (names.some((name) => markers.has(name))) {
    const place = { kind: 'handle' as const, handle: folder };
    search.found.push({ id: folder.name, place, sizeBytes, ...adapterFact(names) });
    return;
  }
  if (depth >= maxDepth) return;
  // A browser lists them in any order, and the first one found becomes the base.
  below.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const child of below) await findModels(child, depth + 1, search);
}

/** Folders dropped where the browser has no handles for them. */
async function modelsInEntry(
  folder: FileSystemDirectoryEntry,
  depth: number,
): Promise<readonly ChosenModel[]> {
  const children = await childrenOf(folder);
  if (children.some(({ isFile, name }) => isFile && markers.has(name))) {
    const own = children.filter((child) => child.isFile) as FileSystemFileEntry[];
    return [modelOfFolder({ name: folder.name, files: await Promise.all(own.map(fileOf)) })];
  }
  const found: ChosenModel[] = [];
  for (const child of children) {
    if (!child.isDirectory || depth >= maxDepth) continue;
    found.push(...(await modelsInEntry(child as FileSystemDirectoryEntry, depth + 1)));
  }
  if (depth === 1 && found.length === 0) throw noModel(folder.name);
  return found;
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    // Each call hands out some of them; an empty list is the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0 || all.length > maxFileCount) return all;
    all.push(...some.filter(({ name }) => !name.startsWith('.')));
  }
}

async function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
}

function fileTitle(name: string): string {
  return name.replace(modelFile, '');
}

function noModel(name: string): LabError {
  return new LabError(
    'source/missing-file',
    `${name} holds no model: there is no config.json in it, and it is no .safetensors or .gguf file; choose a folder in Hugging Face layout, one that contains several of them, or such a file.`,
  );
}
