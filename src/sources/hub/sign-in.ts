import { LabError } from '../../core/errors';
import { checkEndpoint, publicHub } from './addresses';

/**
 * Who asks people to sign in. Whoever deploys the site registers it once as an OAuth application of
 * the Hub (Settings, Connected Apps, "public" so that there is no secret), with the address of the
 * site as the redirect address and the scopes below, and sets the application's client id.
 */
export interface SignInSettings {
  readonly endpoint?: string | undefined;
  readonly clientId: string;
  /** Where the Hub sends people back to: the site's own address, without query and hash. */
  readonly redirectUrl: string;
}

/** Reading gated models that the person has access to, and writing repositories for `pushModel`. */
const scopes = 'openid profile gated-repos write-repos';

/**
 * What must outlive the way to the Hub and back, in `sessionStorage`: it proves that the answer is to
 * our question. It is no token and worth nothing afterwards.
 */
export interface SignInProof {
  readonly codeVerifier: string;
  readonly nonce: string;
}

export interface SignedIn {
  /** Belongs in memory, or in this browser if the person asks for that; nowhere else. */
  readonly token: string;
  readonly expiresAtMs: number;
  readonly name: string;
  /** What was given to `beginSignIn`. */
  readonly state?: string;
}

/**
 * Where to send the person, and what to keep until they come back.
 * @param state comes back unchanged, such as the page's own set-up; seen by the Hub
 * @throws LabError `hub/unavailable`, `hub/bad-name`
 */
export async function beginSignIn(
  settings: SignInSettings,
  state?: string,
): Promise<{ readonly url: string; readonly proof: SignInProof }> {
  const endpoint = checkEndpoint(settings.endpoint ?? publicHub);
  const kept: { codeVerifier?: string; nonce?: string } = {};
  const url = await orFailed(endpoint, async () => {
    const { oauthLoginUrl } = await import('@huggingface/hub');
    return oauthLoginUrl({
      hubUrl: endpoint,
      clientId: settings.clientId,
      redirectUrl: settings.redirectUrl,
      scopes,
      localStorage: kept,
      ...(state === undefined ? {} : { state }),
    });
  });
  const { codeVerifier = '', nonce = '' } = kept;
  return { url, proof: { codeVerifier, nonce } };
}

/**
 * Ends the sign-in after the Hub sent the person back; undefined when `url` is no answer of the Hub.
 * Take the query out of the address bar afterwards.
 * @throws LabError `hub/unavailable` when the person declined or the answer is not to our question
 */
export async function endSignIn(
  settings: Pick<SignInSettings, 'endpoint'>,
  url: string,
  proof: SignInProof,
): Promise<SignedIn | undefined> {
  const query = new URL(url).searchParams;
  if (!query.has('state') || !(query.has('code') || query.has('error'))) return undefined;
  const endpoint = checkEndpoint(settings.endpoint ?? publicHub);
  const result = await orFailed(endpoint, async () => {
    const { oauthHandleRedirect } = await import('@huggingface/hub');
    return oauthHandleRedirect({ hubUrl: endpoint, redirectedUrl: url, ...proof });
  });
  return {
    token: result.accessToken,
    expiresAtMs: result.accessTokenExpiresAt.getTime(),
    name: result.userInfo.preferred_username,
    ...(result.state === undefined ? {} : { state: result.state }),
  };
}

/** The package's messages quote addresses with one-time codes, so none of them is passed on. */
async function orFailed<T>(endpoint: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    throw new LabError(
      'hub/unavailable',
      `Signing in at ${endpoint} did not succeed; try again, or paste an access token.`,
      { details: { endpoint } },
    );
  }
}
