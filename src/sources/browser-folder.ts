import type { ModelFile, ModelFiles } from './model-files';
import { checkRange, readFailed } from './read-range';

/** Deeper folders and more files than any model has; stops a picked home folder from hanging the page. */
const maxDepth = 8;
const maxFileCount = 20_000;

/** One picked file and its path below the picked folder. */
interface PlacedFile {
  readonly path: string;
  readonly file: File;
}

/**
 * The model folders among picked files: each folder that holds a `config.json`, named by its last
 * part. Files stay where they are; reads slice them. Hidden files and folders are left out.
 *
 * @param pickedName names the folder when the files carry no `webkitRelativePath`
 */
export function foldersFromFiles(files: Iterable<File>, pickedName: string): ModelFiles[] {
  const placed: PlacedFile[] = [];
  for (const file of files) {
    const path = file.webkitRelativePath === '' ? file.name : file.webkitRelativePath;
    placed.push({ path, file });
  }
  return groupByFolder(placed, pickedName);
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
  return groupByFolder(placed, handle.name);
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

function groupByFolder(placed: readonly PlacedFile[], pickedName: string): ModelFiles[] {
  const roots = placed
    .filter(({ path }) => path === 'config.json' || path.endsWith('/config.json'))
    .map(({ path }) => path.slice(0, -'config.json'.length));
  return roots.map((root) => {
    const label = root.split('/').at(-2) ?? pickedName;
    const files = new Map<string, ModelFile>();
    for (const { path, file } of placed) {
      const rest = path.slice(root.length);
      // A model nested in another model's folder keeps its files to itself.
      const nested = roots.some((other) => other.length > root.length && path.startsWith(other));
      if (
        path.startsWith(root) &&
        !nested &&
        !rest.split('/').some((part) => part.startsWith('.'))
      ) {
        files.set(rest, sliceableFile(label, rest, file));
      }
    }
    return { label, files };
  });
}

/** A `File` read in place: slicing costs nothing until the bytes are asked for. */
function sliceableFile(label: string, path: string, file: File): ModelFile {
  const fileName = `${label}/${path}`;
  return {
    path,
    sizeBytes: file.size,
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
