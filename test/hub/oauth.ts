import { createHash, randomUUID } from 'node:crypto';
import { readBody, refuse, sendJson } from './replies';
import type { Exchange, HubUser } from './server';

/** The Hub's sign-in by authorization code with PKCE; the first user always agrees. */
export class HubSignIn {
  readonly #users: readonly HubUser[];
  /** By code: the challenge that its verifier must meet. */
  readonly #challenges = new Map<string, string>();

  constructor(users: readonly HubUser[]) {
    this.#users = users;
  }

  async answer({ request, response, url }: Exchange): Promise<void> {
    const [user] = this.#users;
    const asked = url.searchParams;
    if (url.pathname === '/.well-known/openid-configuration') {
      sendJson(response, {
        authorization_endpoint: `${url.origin}/oauth/authorize`,
        token_endpoint: `${url.origin}/oauth/token`,
        userinfo_endpoint: `${url.origin}/oauth/userinfo`,
      });
    } else if (url.pathname === '/oauth/authorize') {
      const back = new URL(asked.get('redirect_uri') ?? '');
      const code = randomUUID();
      this.#challenges.set(code, asked.get('code_challenge') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', asked.get('state') ?? '');
      response.writeHead(302, { Location: back.href }).end();
    } else if (url.pathname === '/oauth/token') {
      const fields = new URLSearchParams((await readBody(request)).toString());
      const verifier = fields.get('code_verifier') ?? '';
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      const code = fields.get('code') ?? '';
      if (user === undefined || this.#challenges.get(code) !== challenge) {
        refuse(response, 400, undefined, 'invalid_grant');
        return;
      }
      this.#challenges.delete(code);
      const scope = 'openid profile';
      sendJson(response, {
        access_token: user.token,
        expires_in: 3600,
        scope,
        token_type: 'bearer',
      });
    } else if (user !== undefined && request.headers.authorization === `Bearer ${user.token}`) {
      sendJson(response, { sub: '1', name: user.name, preferred_username: user.name, orgs: [] });
    } else {
      refuse(response, 401, undefined, 'Invalid token');
    }
  }
}
