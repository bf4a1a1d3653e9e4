import type { ModelFile } from '../sources/model-files';

/** Bytes handed on at a time. */
const pieceBytes = 4 << 20;

/**
 * A stored file for the JSPI build of ONNX Runtime, which takes external data as a `Blob` and reads
 * one tensor after another from it with `slice` and `stream` while it makes a session: the file is
 * never in memory as a whole. Nothing else of a blob works.
 */
export class StoredBlob extends Blob {
  readonly #file: ModelFile;
  readonly #signal: AbortSignal | undefined;
  #failure: { readonly reason: unknown } | undefined;

  constructor(file: ModelFile, signal?: AbortSignal) {
    super();
    this.#file = file;
    this.#signal = signal;
    // `size` is an accessor of the prototype.
    Object.defineProperty(this, 'size', { value: file.sizeBytes });
  }

  /** What a read threw: the runtime reports only that there was a failure. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure;
  }

  override slice(start = 0, end = this.size): Blob {
    const part = new Blob();
    part.stream = () => this.#stream(start, end);
    return part;
  }

  #stream(start: number, end: number): ReadableStream<Uint8Array<ArrayBuffer>> {
    let offsetBytes = start;
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const lengthBytes = Math.min(pieceBytes, end - offsetBytes);
          const bytes = await this.#file.read(offsetBytes, lengthBytes, this.#signal);
          offsetBytes += lengthBytes;
          controller.enqueue(new Uint8Array(bytes));
          if (offsetBytes >= end) controller.close();
        } catch (reason) {
          this.#failure ??= { reason };
          controller.error(reason);
        }
      },
    });
  }
}
