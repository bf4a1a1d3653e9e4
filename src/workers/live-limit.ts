/**
 * Collections up to this size stay loaded in the back end, so that every movement of a slider
 * merges. Larger ones are read again for every merge, at the press of a button: their weights would
 * not leave room for running the result.
 */
const liveUpToBytes = 96 * 1024 * 1024;

/** Whether models of these sizes, all together, are merged live. */
export function isLiveSize(models: readonly { readonly sizeBytes: number }[]): boolean {
  return models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= liveUpToBytes;
}
