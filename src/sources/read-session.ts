import type { LabError } from '../core/errors';
import { BoundedQueue } from '../core/bounded-queue';
import type { ContentChecks } from './content-checks';
import { SharedBytes } from './shared-bytes';

/** Enough for a few models of the zoo's size, or for one large model with its next chunk. */
const defaultBudgetBytes = 96 << 20;

/** As many models as a merge has most often: the base and MergeBench's five specialists. */
const usualReaderCount = 6;
/** Chunks of 16 MiB are fetched in pieces of 1 MiB at least, which take longer than to ask for them. */
const mostPieces = 16;

export interface ReadSessionOptions {
  /** False where nothing that is read is stored: then there is no queue to keep room for. */
  readonly stores?: boolean | undefined;
  /** Of files that are read and not stored; absent where nobody needs to prove them. */
  readonly checks?: ContentChecks | undefined;
  /** Models that are read at the same time; default 6. */
  readonly readerCount?: number | undefined;
}

/**
 * What models that are read together share: the memory for their chunks, the queue of chunks on
 * their way into the store, and whether the store still takes any.
 */
export class ReadSession {
  /** Chunks that are being read, were read, or are read ahead. */
  readonly chunks: SharedBytes;
  /** One chunk is stored at a time. */
  readonly writes: BoundedQueue;
  readonly checks: ContentChecks | undefined;
  /** Turns false for the rest of the run when the store is full. */
  isStoring = true;
  /** The first file that turned out not to be what its hash says. */
  wrong: LabError | undefined;
  readonly #stores: boolean;
  readonly #readerCount: number;

  /**
   * @param budgetBytes for chunks and queue together. Each model that is read at the same time wants
   * two chunks (32 MiB); where chunks are stored and there is less, it reads some of them again
   */
  constructor(
    budgetBytes = defaultBudgetBytes,
    { stores = true, checks, readerCount = usualReaderCount }: ReadSessionOptions = {},
  ) {
    this.checks = checks;
    this.#stores = stores;
    this.#readerCount = readerCount;
    const writesBytes = stores ? budgetBytes / 3 : 0;
    this.chunks = new SharedBytes(budgetBytes - writesBytes);
    this.writes = new BoundedQueue(writesBytes);
  }

  /**
   * How much of a file is fetched at a time that is stored by chunks: a chunk, or a smaller power of two
   * of it where nothing is stored and every reader would not have room for two.
   */
  pieceBytesOf(chunkBytes: number): number {
    if (this.#stores) return chunkBytes;
    let pieceBytes = chunkBytes;
    while (!this.hasRoomAhead(pieceBytes) && pieceBytes * mostPieces > chunkBytes) pieceBytes /= 2;
    return pieceBytes;
  }

  /** Whether every reader has room for the piece at hand and the next. */
  hasRoomAhead(pieceBytes: number): boolean {
    return 2 * this.#readerCount * pieceBytes <= this.chunks.budgetBytes;
  }

  /**
   * Waits until everything that was read is stored; a run ends with it.
   * @throws LabError `hub/wrong-hash` when a file was not what its hash says, so that what was made of
   * it must not be used
   */
  async settle(): Promise<void> {
    await this.writes.drain();
    const wrong = this.wrong ?? this.checks?.wrong;
    if (wrong !== undefined) throw wrong;
  }
}
