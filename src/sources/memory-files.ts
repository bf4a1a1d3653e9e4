import type { ModelFile, ModelFiles } from './model-files';
import { checkRange } from './read-range';

/**
 * A model folder held in memory, such as a merge that was just made. The bytes are not copied: do
 * not change them while the folder is in use. Every read returns a copy of its own.
 */
export function memoryFiles(
  label: string,
  contents: ReadonlyMap<string, Uint8Array | string>,
): ModelFiles {
  const encoder = new TextEncoder();
  const files = new Map<string, ModelFile>();
  for (const [path, content] of contents) {
    const bytes = typeof content === 'string' ? encoder.encode(content) : content;
    files.set(path, {
      path,
      sizeBytes: bytes.byteLength,
      read: async (offsetBytes, lengthBytes, signal) => {
        signal?.throwIfAborted();
        checkRange(`${label}/${path}`, bytes.byteLength, offsetBytes, lengthBytes);
        return Promise.resolve(bytes.slice(offsetBytes, offsetBytes + lengthBytes));
      },
    });
  }
  return { label, files };
}
