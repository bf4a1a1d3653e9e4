import type { ChunkSpan } from './chunk-spans';

/** What a reader does next, by the numbers of chunks. */
export interface ReaderMove {
  /** The chunk that it left, and most likely will not come back to. */
  readonly left: number | undefined;
  /** The chunk that is worth fetching before it is asked for. */
  readonly next: number | undefined;
}

/** Follows the reader of a file through its chunks. */
export class ReaderPlace {
  #lastIndex = -1;

  /**
   * After a read. The next chunk is wanted at once of one who reads in order, where there is room for
   * it, so that the network is never idle; else past the middle of this one, when it is needed soon.
   * @param spans of the read, in order
   */
  moved(spans: readonly ChunkSpan[], chunkBytes: number, hasRoom: boolean): ReaderMove {
    const [first, final] = [spans[0], spans.at(-1)];
    if (first === undefined || final === undefined) return { left: undefined, next: undefined };
    const before = this.#lastIndex;
    const last = final.index + final.count - 1;
    this.#lastIndex = last;
    const isInOrder = first.index === before || first.index === before + 1;
    const isPastMiddle = (final.begin + final.length) * 2 > final.count * chunkBytes;
    return {
      left: before === last ? undefined : before,
      next: isPastMiddle || (isInOrder && hasRoom) ? last + 1 : undefined,
    };
  }
}
