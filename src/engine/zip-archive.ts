import { makeZip, predictLength } from 'client-zip';
import { abortable } from '../core/abort';
import type { OutputFile } from './output-files';

/** Local header and data descriptor beside the file's name; the latter's sizes are wider from 4 GiB on. */
const frameBytes = 46;
const wideFromBytes = 0xffffffff;
const wideFrameBytes = 8;
const localHeaderBytes = 30;

/** A file's place in a zip, in bytes from the zip's first. */
export interface ZipEntry {
  readonly file: OutputFile;
  readonly name: string;
  /** Where its content begins. */
  readonly contentAt: number;
  /** Where the next entry begins, or the list of all entries. */
  readonly endAt: number;
}

/** Where everything will be in a zip; known before a byte exists. */
export interface ZipLayout {
  readonly entries: readonly ZipEntry[];
  readonly sizeBytes: number;
}

/**
 * Lays files out as one zip, stored without compression (weights do not compress), with zip64 where
 * sizes need it.
 * @param folder that holds all of them in the zip
 */
export function layOutZip(files: readonly OutputFile[], folder: string): ZipLayout {
  const entries: ZipEntry[] = [];
  let endAt = 0;
  for (const file of files) {
    const name = `${folder}/${file.path}`;
    const nameBytes = new TextEncoder().encode(name).byteLength;
    const contentAt = endAt + localHeaderBytes + nameBytes;
    endAt += frameBytes + nameBytes + file.sizeBytes;
    if (file.sizeBytes >= wideFromBytes) endAt += wideFrameBytes;
    entries.push({ file, name, contentAt, endAt });
  }
  const sizes = entries.map(({ name, file }) => ({ name, size: file.sizeBytes }));
  return { entries, sizeBytes: Number(predictLength(sizes)) };
}

/**
 * The bytes of a zip as it was laid out. Files are produced as the bytes are asked for, so that memory
 * stays at a few pieces.
 * @param contentOf what stands for a file's content
 * @param modifiedAtMs the date of all files
 */
export async function* zipBytes(
  { entries }: ZipLayout,
  contentOf: (entry: ZipEntry) => AsyncIterable<Uint8Array>,
  modifiedAtMs = Date.now(),
): AsyncGenerator<Uint8Array, void, undefined> {
  let content: AsyncIterator<Uint8Array> | undefined;
  const inputs = entries.map((entry) => ({
    name: entry.name,
    size: entry.file.sizeBytes,
    lastModified: modifiedAtMs,
    input: streamOf(() => (content = contentOf(entry)[Symbol.asyncIterator]())),
  }));
  const reader = makeZip(inputs).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // client-zip leaves the file open that it was at, and a merge that nobody ends goes on. It is
    // told first, lest it take the end of that file for its turn to begin the next.
    void reader.cancel().catch(() => undefined);
    await content?.return?.();
  }
}

/** Writes files as one zip, as `layOutZip` and `zipBytes` say. */
export async function writeZip(
  files: readonly OutputFile[],
  folder: string,
  target: WritableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const writer = target.getWriter();
  try {
    for await (const bytes of zipBytes(layOutZip(files, folder), ({ file }) => file.stream())) {
      await abortable(writer.write(bytes), signal);
    }
    await abortable(writer.close(), signal);
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}

/** client-zip wants web streams; they are pulled, so that nothing is merged ahead of the writer. */
function streamOf(open: () => AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        iterator ??= open();
        const next = await iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
}
