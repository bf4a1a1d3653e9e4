import { beginSignIn, endSignIn, type SignInProof } from '../../sources/hub/sign-in';
import { clientId, signInKey } from './sign-in-offer';

/** The page's access to the hub, as far as signing in needs it. */
interface Access {
  readonly endpoint: string;
  useEndpoint(endpoint: string): Promise<void>;
  useToken(token: string, isKept: boolean, userName: string): Promise<void>;
}

/** What waits in this tab while the person is at the hub. */
interface Waiting {
  readonly proof: SignInProof;
  readonly endpoint: string;
  /** The set-up in the address, which the hub need not see. */
  readonly hash: string;
}

/** Where the hub sends people back to: this page without query and set-up. */
function ownAddress(): string {
  const { origin, pathname } = globalThis.location;
  return origin + pathname;
}

/**
 * Leaves for the hub, which sends the person back here. Must be called from a click.
 * @throws LabError as `beginSignIn`
 */
export async function leaveForSignIn(hub: Access): Promise<void> {
  const { endpoint } = hub;
  const redirectUrl = ownAddress();
  const { url, proof } = await beginSignIn({ endpoint, clientId: clientId(), redirectUrl });
  const waiting: Waiting = { proof, endpoint, hash: globalThis.location.hash };
  sessionStorage.setItem(signInKey, JSON.stringify(waiting));
  globalThis.location.assign(url);
}

/**
 * Takes the hub's answer out of the address, puts the set-up back there, and signs in.
 * @throws LabError as `endSignIn`
 */
export async function returnFromSignIn(hub: Access): Promise<void> {
  const { href } = globalThis.location;
  const { proof, endpoint, hash } = JSON.parse(
    sessionStorage.getItem(signInKey) ?? '{}',
  ) as Waiting;
  sessionStorage.removeItem(signInKey);
  globalThis.history.replaceState(globalThis.history.state, '', ownAddress() + hash);
  const signedIn = await endSignIn({ endpoint }, href, proof);
  if (signedIn === undefined) return;
  await hub.useEndpoint(endpoint);
  await hub.useToken(signedIn.token, false, signedIn.name);
}
