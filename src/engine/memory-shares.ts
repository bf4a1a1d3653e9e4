/** How the memory of a merge is shared out. All in bytes. */
export interface MemoryShares {
  /** Inputs and computed inputs of one slice. */
  readonly sliceBytes: number;
  /** What may stay loaded between the passes of a method instead of being read again. */
  readonly residentBytes: number;
  /** Of a stage: merged tensors that stay in memory for the recipes that read them. */
  readonly keptBytes: number;
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
const unboundedShares: MemoryShares = {
  sliceBytes: 32 * mebibyte,
  // The embedding of a 135 M Llama, six times, with what DELLA keeps of it: 16 bytes for 28.3 million.
  residentBytes: 448 * mebibyte,
  keptBytes: 0,
  workBytes: Infinity,
  readingBytes: 96 * mebibyte,
};

/** Who shares a bound of memory. */
export interface MemoryUsers {
  /**
   * Merges that are at work at once: a recipe and its stages; default 1. Each gets its part of all but
   * the reading, and keeps merged tensors in half of what could stay loaded.
   */
  readonly mergeCount?: number | undefined;
  /** Models whose chunks are read at once; default no more than six. */
  readonly modelCount?: number | undefined;
}

/** Models that a third of what is free lets read ahead; more get more. */
const usualModelCount = 6;
/** Of every model that is read: the chunk at hand and the next. */
const twoChunksBytes = 32 * mebibyte;

/**
 * Shares out a bound of the memory of page, workers and GPU together. Bounds below
 * `smallestBudgetBytes` are raised to it.
 * @param budgetBytes undefined for no bound
 */
export function memoryShares(
  budgetBytes: number | undefined,
  { mergeCount = 1, modelCount = usualModelCount }: MemoryUsers = {},
): MemoryShares {
  if (budgetBytes === undefined) {
    return withKept(unboundedShares, unboundedShares.residentBytes / mergeCount, mergeCount);
  }
  const freeBytes = Math.max(budgetBytes, smallestBudgetBytes) - fixedBytes - writingBytes;
  const share = modelCount > usualModelCount ? 0.4 : 1 / 3;
  const chunksBytes = twoChunksBytes * Math.max(modelCount, usualModelCount);
  const readingBytes = clamp(share * freeBytes, 40 * mebibyte, chunksBytes);
  const workBytes = (freeBytes - readingBytes) / mergeCount;
  // A tensor that is not resident takes eight slices at once at most: see `tensorCost`.
  const sliceBytes = clamp(workBytes / 12, mebibyte, unboundedShares.sliceBytes);
  const residentBytes = clamp(workBytes - 8 * sliceBytes, 0, unboundedShares.residentBytes);
  return withKept({ sliceBytes, workBytes, readingBytes }, residentBytes, mergeCount);
}

function withKept(
  shares: Pick<MemoryShares, 'sliceBytes' | 'workBytes' | 'readingBytes'>,
  residentBytes: number,
  mergeCount: number,
): MemoryShares {
  const keptBytes = mergeCount === 1 ? 0 : Math.floor(residentBytes / 2);
  return {
    ...shares,
    residentBytes: Math.floor(residentBytes) - keptBytes,
    keptBytes,
    workBytes: Math.floor(shares.workBytes) - keptBytes,
  };
}

/**
 * What the back end of a run may take: the slices of all merges that are at work at once, computed
 * inputs and results.
 */
export function runBackendBytes(budgetBytes: number, modelCount?: number): number {
  return memoryShares(budgetBytes, { modelCount }).workBytes;
}

/** What the back end of live merges may take: their models lie there, and no chunks are on their way. */
export function liveBackendBytes(budgetBytes: number): number {
  return Math.max(budgetBytes, smallestBudgetBytes) - fixedBytes;
}

function clamp(value: number, min: number, max: number): number {
  return Math.floor(Math.min(max, Math.max(min, value)));
}
