/** What the page remembers of a run where the browser does not drop it with the run. */
export interface RememberedRun {
  readonly id: string;
  readonly title: string;
}

const storageKey = 'mergelab.runs';
/** Some 20 kB; nobody keeps so many. */
const mostRemembered = 200;

/** The newest runs that an earlier list had; none where storage is denied or holds something else. */
export function rememberedRuns(): readonly RememberedRun[] {
  try {
    const remembered: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    return Array.isArray(remembered) ? remembered.filter(isRemembered) : [];
  } catch {
    return [];
  }
}

/** Remembers exactly these, the newest first. */
export function rememberRuns(runs: readonly RememberedRun[]): void {
  try {
    const newest = runs.slice(0, mostRemembered).map(({ id, title }) => ({ id, title }));
    if (newest.length === 0) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, JSON.stringify(newest));
  } catch {
    // Storage denied, or no room for even this: a loss will not be told.
  }
}

function isRemembered(value: unknown): value is RememberedRun {
  if (typeof value !== 'object' || value === null) return false;
  const { id, title } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof title === 'string';
}
