import { median } from './report';

/** Beyond every cache, and small enough to be there. */
const blockBytes = 128 << 20;

/**
 * What it costs one thread to copy half of `byteCount` bytes, that is to read and to write
 * `byteCount` bytes together: the same traffic without arithmetic.
 */
export function copyMs(byteCount: number): number {
  const from = new Uint8Array(blockBytes).fill(1);
  const to = new Uint8Array(blockBytes);
  const times: number[] = [];
  for (let round = -1; round < 5; round++) {
    const startMs = performance.now();
    to.set(from);
    if (round >= 0) times.push(performance.now() - startMs);
  }
  return (median(times) * byteCount) / (2 * blockBytes);
}
