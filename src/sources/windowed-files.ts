import type { Allocate } from '../formats/checkpoint-reader';
import type { ModelFile, ModelFiles } from './model-files';
import { checkRange } from './read-range';
import type { SharedBytes } from './shared-bytes';

/**
 * Chromium 156 reads picked files in pieces of 1 MB at 550 MB/s and in pieces of 16 MB at 1,050 MB/s
 * (two cores, six files at once); most of that is gained by 8 MiB.
 */
const largestWindowBytes = 8 << 20;
const smallestWindowBytes = 1 << 20;
/** So many windows fit the memory: one for each of thirteen models, and some that are read ahead. */
const windowCount = 16;

/**
 * A model on this computer whose files are read in large pieces, whatever is asked for: a merge asks
 * for tensor after tensor, and many of them are small. The piece at hand lies in `memory`, and the next
 * one when the reader is past the middle of it.
 */
export function readInWindows(model: ModelFiles, memory: SharedBytes): ModelFiles {
  const windowBytes = Math.min(
    largestWindowBytes,
    Math.max(smallestWindowBytes, Math.floor(memory.budgetBytes / windowCount)),
  );
  const files = new Map<string, ModelFile>();
  for (const [path, file] of model.files) {
    const name = `${model.label}/${path}`;
    files.set(path, new WindowedFile(file, name, windowBytes, memory));
  }
  return { label: model.label, files, comeInPieces: true };
}

let lastNumber = 0;

class WindowedFile implements ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs?: number;
  readonly #file: ModelFile;
  readonly #name: string;
  readonly #windowBytes: number;
  readonly #memory: SharedBytes;
  /** Models of one name are kept apart in memory. */
  readonly #number = ++lastNumber;
  /** Where the reader is, for reading ahead. */
  #lastIndex = -1;

  constructor(file: ModelFile, name: string, windowBytes: number, memory: SharedBytes) {
    this.path = file.path;
    this.sizeBytes = file.sizeBytes;
    if (file.modifiedAtMs !== undefined) this.modifiedAtMs = file.modifiedAtMs;
    this.#file = file;
    this.#name = name;
    this.#windowBytes = windowBytes;
    this.#memory = memory;
  }

  async read(
    offsetBytes: number,
    lengthBytes: number,
    signal?: AbortSignal,
    allocate: Allocate = (sizeBytes) => new Uint8Array(sizeBytes),
  ): Promise<Uint8Array> {
    checkRange(this.#name, this.sizeBytes, offsetBytes, lengthBytes);
    // Large enough by itself.
    if (lengthBytes >= this.#windowBytes) {
      return this.#file.read(offsetBytes, lengthBytes, signal, allocate);
    }
    const into = allocate(lengthBytes);
    let filledBytes = 0;
    while (filledBytes < lengthBytes) {
      const index = Math.floor((offsetBytes + filledBytes) / this.#windowBytes);
      const begin = offsetBytes + filledBytes - index * this.#windowBytes;
      const window = await this.#memory.get(
        this.#keyOf(index),
        this.#lengthOf(index),
        this.#loader(index),
        signal,
      );
      const part = window.subarray(begin, begin + lengthBytes - filledBytes);
      into.set(part, filledBytes);
      filledBytes += part.byteLength;
      this.#goOn(index, begin + part.byteLength, signal);
    }
    return into;
  }

  /** The window before may go; past the middle of one, the next will be wanted soon. */
  #goOn(index: number, reachedBytes: number, signal: AbortSignal | undefined): void {
    if (this.#lastIndex !== index) this.#memory.pass(this.#keyOf(this.#lastIndex));
    this.#lastIndex = index;
    const next = index + 1;
    const isNearEnd = 2 * reachedBytes > this.#windowBytes;
    if (!isNearEnd || next * this.#windowBytes >= this.sizeBytes) return;
    this.#memory.ahead(this.#keyOf(next), this.#lengthOf(next), this.#loader(next), signal);
  }

  #loader(index: number): (signal: AbortSignal) => Promise<Uint8Array> {
    const offsetBytes = index * this.#windowBytes;
    return async (signal) => this.#file.read(offsetBytes, this.#lengthOf(index), signal);
  }

  #keyOf(index: number): string {
    return `local/${this.#number}#${index}`;
  }

  #lengthOf(index: number): number {
    return Math.min(this.#windowBytes, this.sizeBytes - index * this.#windowBytes);
  }
}
