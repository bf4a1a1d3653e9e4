import type { ChunkBody, ChunkDriver } from './chunk-driver';
import type { ChunkRecord, FileRecord } from './schema';

/** Bytes inside the chunks' own records: written, and deleted, in the catalogue's transaction. */
export class IndexedDbDriver implements ChunkDriver {
  readonly id = 'indexeddb';
  readonly canWrite = true;

  /** The copy is needed for views of larger or shared memory only: storing copies again. */
  write(_file: FileRecord, _index: number, bytes: Uint8Array): Promise<ChunkBody> {
    const { buffer } = bytes;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
    return Promise.resolve({ bytes: isWhole ? buffer : bytes.slice().buffer });
  }

  read(
    _file: FileRecord,
    chunk: ChunkRecord,
    lengthBytes: number,
    into: Uint8Array | undefined,
  ): Promise<Uint8Array> {
    const bytes = new Uint8Array(chunk.bytes ?? new ArrayBuffer(0));
    if (into === undefined || bytes.byteLength !== lengthBytes) return Promise.resolve(bytes);
    into.set(bytes);
    return Promise.resolve(into);
  }

  drop(): Promise<void> {
    return Promise.resolve();
  }

  sweep(): Promise<void> {
    return Promise.resolve();
  }
}
