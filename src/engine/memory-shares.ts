/** How the memory of a merge is shared out. All in bytes. */
export interface MemoryShares {
  /** Inputs and computed inputs of one slice. */
  readonly sliceBytes: number;
  /** What may stay loaded between the passes of a method instead of being read again. */
  readonly residentBytes: number;
  /** Slices, computed inputs, look-ahead, matrices and results together. */
  readonly workBytes: number;
  /** Chunks on their way from a hub or the store. */
  readonly readingBytes: number;
}

/** What the page, its workers, their code and the browser's GPU process take before a merge begins. */
export const fixedBytes = 300e6;
/** Chunks on their way into the sink, and the copies that the browser makes of them. */
const writingBytes = 64 << 20;
/** Below this a run of six models would read every chunk again and again. */
export const smallestBudgetBytes = 500e6;
const mebibyte = 1 << 20;

/** Large enough that the cost of a call does not show; without a budget nothing else is bounded. */
export const unboundedShares: MemoryShares = {
  sliceBytes: 32 * mebibyte,
  // The embedding of a 135 M Llama, six times, with what DELLA keeps of it: 16 bytes for 28.3 million.
  residentBytes: 448 * mebibyte,
  workBytes: Infinity,
  readingBytes: 96 * mebibyte,
};

/**
 * Shares out a bound of the memory of page, workers and GPU together. Bounds below
 * `smallestBudgetBytes` are raised to it.
 */
export function memoryShares(budgetBytes: number): MemoryShares {
  const freeBytes = Math.max(budgetBytes, smallestBudgetBytes) - fixedBytes - writingBytes;
  const readingBytes = clamp(freeBytes / 3, 40 * mebibyte, 192 * mebibyte);
  const workBytes = freeBytes - readingBytes;
  // A tensor that is not resident takes eight slices at once at most: see `tensorCost`.
  const sliceBytes = clamp(workBytes / 12, mebibyte, unboundedShares.sliceBytes);
  const residentBytes = clamp(workBytes - 8 * sliceBytes, 0, unboundedShares.residentBytes);
  return { sliceBytes, residentBytes, workBytes, readingBytes };
}

/**
 * The bound that a run starts with: 1.5 GB, and 0.75 GB on devices with 4 GiB of memory or less.
 * @param deviceMemoryGib `navigator.deviceMemory`; absent in some browsers
 */
export function defaultBudgetBytes(deviceMemoryGib = 8): number {
  return deviceMemoryGib <= 4 ? 750e6 : 1.5e9;
}

function clamp(value: number, min: number, max: number): number {
  return Math.floor(Math.min(max, Math.max(min, value)));
}
