import type { MergeCost, RunSummary } from '../../rpc/lab';
import type { ChosenModel } from './chosen-models.svelte';

/** Free space that stays free: browsers refuse writes before the quota is used to the last byte. */
const margin = 1.2;

/** What a merge of chosen models takes. */
export interface CostSheet {
  /** To come over the network, at most: what is kept here already is taken off. */
  readonly fetchBytes: number;
  readonly peakMemoryBytes: number;
  readonly outputBytes: number;
  /** Storage that keeping the fetched weights and the output takes, with a margin. */
  readonly neededBytes: number;
  /** Storage for the output alone, when weights are not kept, with a margin. */
  readonly leastBytes: number;
  /** What this browser still gives; undefined when it does not say. */
  readonly freeBytes: number | undefined;
  /** From what earlier runs took on this machine; undefined without any. */
  readonly likelyMs: number | undefined;
}

/** What this browser keeps and could keep. */
export interface Kept {
  readonly storedBytesOf: (model: ChosenModel) => number;
  /** Free, or kept for others that give way; undefined when the browser does not say. */
  readonly freeBytes: number | undefined;
}

/** Adds up what is known before a byte of weights is read. */
export function costSheet(
  cost: MergeCost,
  models: readonly ChosenModel[],
  kept: Kept,
  runs: readonly RunSummary[],
): CostSheet {
  const remote = models.filter(({ place }) => place.kind === 'hub' || place.kind === 'zoo');
  const fetchBytes = remote.reduce(
    (sum, model) => sum + Math.max(0, (model.sizeBytes ?? 0) - kept.storedBytesOf(model)),
    0,
  );
  const rate = inputBytesPerMs(runs);
  return {
    fetchBytes,
    peakMemoryBytes: cost.peakMemoryBytes,
    outputBytes: cost.bytesWritten,
    neededBytes: margin * (fetchBytes + cost.bytesWritten),
    leastBytes: margin * cost.bytesWritten,
    freeBytes: kept.freeBytes,
    likelyMs: rate === undefined ? undefined : cost.bytesRead / rate,
  };
}

/** How fast finished runs went through their inputs; each had about one output's bytes a model. */
function inputBytesPerMs(runs: readonly RunSummary[]): number | undefined {
  let bytes = 0;
  let elapsedMs = 0;
  for (const run of runs) {
    if (run.state !== 'done' || run.elapsedMs <= 0) continue;
    bytes += run.totalBytes * run.models.length;
    elapsedMs += run.elapsedMs;
  }
  return bytes > 0 ? bytes / elapsedMs : undefined;
}
