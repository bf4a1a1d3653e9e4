import { remember, remembered } from '../state/remembered';

/** What this browser remembers of a hub, on the person's word. */
export interface KeptAccess {
  readonly endpoint?: string;
  readonly token?: string;
}

const storageKey = 'mergelab.hub';

/** What an earlier visit kept; nothing where storage is denied or holds something else. */
export function keptAccess(): KeptAccess {
  const kept = remembered(storageKey);
  if (typeof kept !== 'object' || kept === null) return {};
  const { endpoint, token } = kept as Record<string, unknown>;
  return {
    ...(typeof endpoint === 'string' && URL.canParse(endpoint) ? { endpoint } : {}),
    ...(typeof token === 'string' && token !== '' ? { token } : {}),
  };
}

/** Remembers exactly this, and forgets what was remembered before. */
export function keepAccess(kept: KeptAccess): void {
  remember(storageKey, Object.keys(kept).length === 0 ? undefined : kept);
}
