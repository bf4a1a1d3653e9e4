const prefix = 'stored:';

/** The id of a run's output among stored models. */
export function runModelId(runId: string): string {
  return `run/${runId}`;
}

/** The slot of a model that the store holds, such as a finished run. */
export function storedSlot(modelId: string): string {
  return `${prefix}${modelId}`;
}

/** The stored model that a slot names; undefined for other slots. */
export function modelOfStoredSlot(slot: string): string | undefined {
  return slot.startsWith(prefix) ? slot.slice(prefix.length) : undefined;
}
