/** In `sessionStorage`, while the person is at the hub. */
export const signInKey = 'mergelab.sign-in';

/**
 * The id of this site as an application of the hub, which whoever deploys it states in a `meta`
 * element of the page; empty when nobody did, and then only tokens are offered.
 */
export function clientId(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="hub-client-id"]');
  return meta?.content ?? '';
}

/** Whether the hub just sent the person back. */
export function isReturning(): boolean {
  try {
    const query = new URLSearchParams(globalThis.location.search);
    return query.has('state') && sessionStorage.getItem(signInKey) !== null;
  } catch {
    // Without storage nobody could leave for the hub.
    return false;
  }
}
