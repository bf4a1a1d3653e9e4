import type { ModelFile, ModelFiles } from './model-files';
import { groupModels } from './model-groups';
import { checkRange, readFailed } from './read-range';

/** Deeper folders and more files than any model has; stops a picked home folder from hanging the page. */
const maxDepth = 8;
const maxFileCount = 20_000;

/** One picked file and its path below the picked folder. */
export interface PlacedFile {
  readonly path: string;
  readonly file: File;
}

/** Picked files with their paths; those that were picked or dropped by themselves have their names. */
export function placedFiles(files: Iterable<File>): PlacedFile[] {
  return Array.from(files, (file) => ({
    path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath,
    file,
  }));
}

/**
 * The models and adapters among picked files, as `groupModels` finds them. Files stay where they are;
 * reads slice them.
 *
 * @param pickedName names the folder when the files carry no `webkitRelativePath`
 */
export function foldersFromFiles(files: Iterable<File>, pickedName: string): ModelFiles[] {
  return modelFilesOf(placedFiles(files), pickedName);
}

/**
 * The model folders below a directory handle, as `foldersFromFiles` finds them.
 * @throws LabError `source/read-failed` when the permission was taken back
 */
export async function foldersFromHandle(
  handle: FileSystemDirectoryHandle,
  signal?: AbortSignal,
): Promise<ModelFiles[]> {
  const placed: PlacedFile[] = [];
  await collect(handle, handle.name, 1, placed, signal);
  return modelFilesOf(placed, handle.name);
}

async function collect(
  directory: FileSystemDirectoryHandle,
  path: string,
  depth: number,
  into: PlacedFile[],
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    for await (const child of directory.values()) {
      signal?.throwIfAborted();
      if (child.name.startsWith('.') || into.length >= maxFileCount) continue;
      const childPath = `${path}/${child.name}`;
      if (child instanceof FileSystemFileHandle) {
        into.push({ path: childPath, file: await child.getFile() });
      } else if (child instanceof FileSystemDirectoryHandle && depth < maxDepth) {
        await collect(child, childPath, depth + 1, into, signal);
      }
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw readFailed(path, cause);
  }
}

function modelFilesOf(placed: readonly PlacedFile[], pickedName: string): ModelFiles[] {
  return groupModels(placed, pickedName).map(({ name, members }) => ({
    label: name,
    files: new Map(
      members.map(({ path, file: { file } }) => [path, sliceableFile(name, path, file)]),
    ),
  }));
}

/** A `File` read in place: slicing costs nothing until the bytes are asked for. */
function sliceableFile(label: string, path: string, file: File): ModelFile {
  const fileName = `${label}/${path}`;
  return {
    path,
    sizeBytes: file.size,
    modifiedAtMs: file.lastModified,
    read: async (offsetBytes, lengthBytes, signal) => {
      signal?.throwIfAborted();
      checkRange(fileName, file.size, offsetBytes, lengthBytes);
      let buffer: ArrayBuffer;
      try {
        buffer = await file.slice(offsetBytes, offsetBytes + lengthBytes).arrayBuffer();
      } catch (cause) {
        throw readFailed(fileName, cause);
      }
      signal?.throwIfAborted();
      checkRange(fileName, offsetBytes + buffer.byteLength, offsetBytes, lengthBytes);
      return new Uint8Array(buffer);
    },
  };
}
