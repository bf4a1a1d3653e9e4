/** A part of a read: bytes of one chunk, or of several whole ones. */
export interface ChunkSpan {
  /** The first chunk. */
  readonly index: number;
  readonly count: number;
  /** Where in that chunk it begins. */
  readonly begin: number;
  /** Where in the read it begins. */
  readonly position: number;
  readonly length: number;
}

/**
 * Cuts a read of `length` bytes from `offset` on at the borders of chunks.
 * @param mayJoin whole chunks for which it holds, and which follow each other, stay one span
 */
export function chunkSpans(
  offset: number,
  length: number,
  chunkBytes: number,
  fileBytes: number,
  mayJoin: (index: number) => boolean,
): ChunkSpan[] {
  const spans: ChunkSpan[] = [];
  for (let position = 0; position < length;) {
    const index = Math.floor((offset + position) / chunkBytes);
    const begin = offset + position - index * chunkBytes;
    const chunkLength = Math.min(chunkBytes, fileBytes - index * chunkBytes);
    const spanLength = Math.min(chunkLength - begin, length - position);
    const last = spans.at(-1);
    const isWhole = spanLength === chunkLength;
    const lastIsWhole = last !== undefined && last.begin === 0 && last.length % chunkBytes === 0;
    if (isWhole && lastIsWhole && mayJoin(last.index) && mayJoin(index)) {
      spans[spans.length - 1] = {
        ...last,
        count: last.count + 1,
        length: last.length + spanLength,
      };
    } else spans.push({ index, count: 1, begin, position, length: spanLength });
    position += spanLength;
  }
  return spans;
}
