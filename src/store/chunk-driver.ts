import type { ChunkRecord, DriverId, FileRecord } from './schema';

/** What a driver adds to a chunk's record in the catalogue. */
export type ChunkBody = Pick<ChunkRecord, 'bytes'>;

/**
 * Where the bytes of chunks lie. The catalogue (which chunks there are, and their checksums) is in
 * IndexedDB whatever the driver, and `FileStore` keeps it: a driver never decides what is stored.
 */
export interface ChunkDriver {
  readonly id: DriverId;
  /** Whether this context (page or worker) can write with it. */
  readonly canWrite: boolean;
  /**
   * Puts a chunk where it survives a crash, before the catalogue lists it.
   * @returns what the chunk's record must hold for `read`
   * @throws DOMException `QuotaExceededError` and others
   */
  write(file: FileRecord, index: number, bytes: Uint8Array): Promise<ChunkBody>;
  /**
   * The bytes of a chunk, in `into` where that is given; it may be shared memory, and is as long as
   * the chunk. Other lengths than `lengthBytes` mean damage, which the caller looks for.
   * @throws DOMException when they cannot be read
   */
  read(
    file: FileRecord,
    chunk: ChunkRecord,
    lengthBytes: number,
    into: Uint8Array | undefined,
  ): Promise<Uint8Array>;
  /** Frees the space of a file that has left the catalogue; what cannot be freed yet is freed later. */
  drop(file: FileRecord): Promise<void>;
  /**
   * Frees what no file in `listed` uses; it is asked after the driver's own list was made, and where it
   * has no answer nothing is freed.
   */
  sweep(listed: () => Promise<readonly FileRecord[] | undefined>): Promise<void>;
}
