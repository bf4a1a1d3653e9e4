/** What an earlier visit left under a key; undefined where storage is denied or holds no JSON. */
export function remembered(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return undefined;
  }
}

/** Leaves a value for later visits, or nothing when it is undefined. Written only when it is another. */
export function remember(key: string, value: object | undefined): void {
  try {
    if (value === undefined) {
      localStorage.removeItem(key);
      return;
    }
    const text = JSON.stringify(value);
    if (text !== localStorage.getItem(key)) localStorage.setItem(key, text);
  } catch {
    // Storage denied, or full: it holds for this visit.
  }
}
