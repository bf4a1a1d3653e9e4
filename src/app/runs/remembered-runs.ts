import { remember, remembered } from '../state/remembered';

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
  const runs = remembered(storageKey);
  return Array.isArray(runs) ? runs.filter(isRemembered) : [];
}

/** Remembers exactly these, the newest first. */
export function rememberRuns(runs: readonly RememberedRun[]): void {
  const newest = runs.slice(0, mostRemembered).map(({ id, title }) => ({ id, title }));
  remember(storageKey, newest.length === 0 ? undefined : newest);
}

function isRemembered(value: unknown): value is RememberedRun {
  if (typeof value !== 'object' || value === null) return false;
  const { id, title } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof title === 'string';
}
