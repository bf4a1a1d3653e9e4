import { makeZip } from 'client-zip';
import type { OutputFile } from '../engine/output-files';

/**
 * Writes the files as one zip, stored without compression (weights do not compress), with zip64
 * where sizes need it. Memory stays at a few pieces: files are produced as the zip is written.
 */
export async function writeZip(
  files: readonly OutputFile[],
  folder: string,
  target: WritableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entries = files.map((file) => ({
    name: `${folder}/${file.path}`,
    size: file.sizeBytes,
    input: streamOf(file),
  }));
  await makeZip(entries).pipeTo(target, signal === undefined ? {} : { signal });
}

/** client-zip wants a web stream; it is pulled, so that nothing is merged ahead of the writer. */
function streamOf(file: OutputFile): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      iterator ??= file.stream()[Symbol.asyncIterator]();
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator?.return?.();
    },
  });
}
