import type { LabError } from '../core/errors';
import { BoundedQueue } from '../core/bounded-queue';
import type { ContentChecks } from './content-checks';
import { SharedBytes } from './shared-bytes';

/** Enough for a few models of the zoo's size, or for one large model with its next chunk. */
const defaultBudgetBytes = 96 << 20;

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

  /**
   * @param budgetBytes for chunks and queue together. Each model that is read at the same time wants
   * two chunks (32 MiB); with less it reads chunks again that it had to drop
   * @param stores false where nothing that is read is stored: then there is no queue to keep room for
   * @param checks of files that are read and not stored; absent where nobody needs to prove them
   */
  constructor(budgetBytes = defaultBudgetBytes, stores = true, checks?: ContentChecks) {
    this.checks = checks;
    const writesBytes = stores ? budgetBytes / 3 : 0;
    this.chunks = new SharedBytes(budgetBytes - writesBytes);
    this.writes = new BoundedQueue(writesBytes);
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
