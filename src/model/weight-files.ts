import type { LongTask, ProgressMeter } from '../core/progress';
import type { ModelFile } from '../sources/model-files';
import type { OrtRuntime } from './ort-runtime';
import { StoredBlob } from './stored-blob';

/** A data file of a graph: its bytes, or where they are stored. */
export interface WeightFile {
  /** As the graph names it. */
  readonly path: string;
  readonly data: Uint8Array | ModelFile;
}

/** Data files in the form in which the runtime takes them while it makes a session. */
export interface MountedWeights {
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array | Blob }[];
  /** Throws what reading a file threw, which the runtime reports without its reason. */
  throwIfFailed(): void;
}

const pieceBytes = 16 << 20;

/**
 * The JSPI build reads stored files tensor by tensor. Other builds want them whole in memory, beside
 * the copy that the session keeps.
 * @throws what the files throw; the signal's reason
 */
export async function mountWeights(
  files: readonly WeightFile[],
  runtime: Pick<OrtRuntime, 'build'>,
  signal?: AbortSignal,
): Promise<MountedWeights> {
  const blobs: StoredBlob[] = [];
  const externalData: { readonly path: string; readonly data: Uint8Array | Blob }[] = [];
  for (const { path, data } of files) {
    if (data instanceof Uint8Array) {
      externalData.push({ path, data });
    } else if (runtime.build === 'jspi') {
      const blob = new StoredBlob(data, signal);
      blobs.push(blob);
      externalData.push({ path, data: blob });
    } else {
      externalData.push({ path, data: await wholeFile(data, { signal }) });
    }
  }
  return {
    externalData,
    throwIfFailed: () => {
      for (const { failure } of blobs) if (failure !== undefined) throw failure.reason;
    },
  };
}

/** A file whose reads are counted. */
export function countedFile(file: ModelFile, meter: ProgressMeter): ModelFile {
  const { path, sizeBytes } = file;
  return {
    path,
    sizeBytes,
    read: async (offsetBytes, lengthBytes, signal, allocate) => {
      const bytes = await file.read(offsetBytes, lengthBytes, signal, allocate);
      meter.advance(lengthBytes);
      return bytes;
    },
  };
}

/** All bytes of a file, read in pieces. */
export async function wholeFile(
  file: ModelFile,
  { signal }: Pick<LongTask, 'signal'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(file.sizeBytes);
  for (let offsetBytes = 0; offsetBytes < file.sizeBytes; offsetBytes += pieceBytes) {
    const lengthBytes = Math.min(pieceBytes, file.sizeBytes - offsetBytes);
    whole.set(await file.read(offsetBytes, lengthBytes, signal), offsetBytes);
  }
  return whole;
}
