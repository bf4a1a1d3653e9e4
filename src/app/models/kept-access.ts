/** What this browser remembers of a hub, on the person's word. */
export interface KeptAccess {
  readonly endpoint?: string;
  readonly token?: string;
}

const storageKey = 'mergelab.hub';

/** What an earlier visit kept; nothing where storage is denied or holds something else. */
export function keptAccess(): KeptAccess {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    const { endpoint, token } = kept as Record<string, unknown>;
    return {
      ...(typeof endpoint === 'string' && URL.canParse(endpoint) ? { endpoint } : {}),
      ...(typeof token === 'string' && token !== '' ? { token } : {}),
    };
  } catch {
    return {};
  }
}

/** Remembers exactly this, and forgets what was remembered before. */
export function keepAccess(kept: KeptAccess): void {
  try {
    if (Object.keys(kept).length === 0) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, JSON.stringify(kept));
  } catch {
    // Storage denied: it holds for this visit.
  }
}
