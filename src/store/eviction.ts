import type { ModelRecord } from './schema';
import type { StoredFile } from './storage-details';

/**
 * Files that may be deleted to make room, least recently used first. Only files that come from
 * elsewhere qualify: what was merged here, what the person pinned, what somebody works with and what
 * belongs to no model (an unfinished run's output) stays.
 */
export function evictableFiles(
  files: Iterable<StoredFile>,
  models: readonly ModelRecord[],
  keysInUse: ReadonlySet<string>,
): StoredFile[] {
  const cached = new Set<string>();
  const kept = new Set(keysInUse);
  for (const model of models) {
    const into = model.kind === 'cache' && model.isPinned !== true ? cached : kept;
    for (const { key } of model.files) into.add(key);
  }
  return [...files]
    .filter(({ record }) => cached.has(record.key) && !kept.has(record.key))
    .sort((a, b) => a.record.usedAtMs - b.record.usedAtMs);
}
