import type { WholeLab } from '../state/lab-parts';
import { checkEndpoint, modelPage, publicHub } from '../../sources/hub/addresses';
import { isReturning } from './sign-in-offer';
import { keptAccess, keepAccess } from './kept-access';

/**
 * With whom and as whom the page talks to a hub. A token lies in memory, and in this browser when
 * the person asked for that; it goes to the hub it was given for and nowhere else.
 */
export class HubAccess {
  endpoint = $state(publicHub);
  hasToken = $state(false);
  /** Whether the token is there again at the next visit. */
  isKept = $state(false);
  /** Who signed in at the hub; empty for a pasted token. */
  userName = $state('');
  readonly #lab: () => WholeLab;
  #token = '';

  constructor(lab: () => WholeLab) {
    this.#lab = lab;
  }

  /** For what speaks to the hub from this page. Never show it, store it or put it in a message. */
  get token(): string | undefined {
    return this.#token === '' ? undefined : this.#token;
  }

  /** Takes up what an earlier visit kept, or what the hub answers to a sign-in. */
  async start(): Promise<void> {
    await this.#startKept();
    if (!isReturning()) return;
    const { returnFromSignIn } = await import('./sign-in');
    await returnFromSignIn(this);
  }

  async #startKept(): Promise<void> {
    const { endpoint, token } = keptAccess();
    if (endpoint === undefined && token === undefined) return;
    this.endpoint = endpoint ?? publicHub;
    this.isKept = token !== undefined;
    await this.#take(token ?? '');
  }

  /**
   * @param isKept whether this browser remembers it
   * @param userName whose it is, where the hub said so
   */
  async useToken(token: string, isKept: boolean, userName = ''): Promise<void> {
    this.isKept = isKept;
    this.userName = userName;
    await this.#take(token.trim());
  }

  async forgetToken(): Promise<void> {
    this.isKept = false;
    this.userName = '';
    await this.#take('');
  }

  /**
   * Another hub: a token is for the one that gave it, so it is forgotten.
   * @throws LabError `hub/bad-name`
   */
  async useEndpoint(endpoint: string): Promise<void> {
    const address = checkEndpoint(endpoint.trim());
    if (address === this.endpoint) return;
    this.endpoint = address;
    await this.forgetToken();
  }

  /** The page of a model, where its terms are accepted. */
  pageOf(repo: string): string {
    return modelPage(this.endpoint, repo);
  }

  async #take(token: string): Promise<void> {
    this.#token = token;
    this.hasToken = token !== '';
    keepAccess({
      ...(this.endpoint === publicHub ? {} : { endpoint: this.endpoint }),
      ...(token !== '' && this.isKept ? { token } : {}),
    });
    await this.#lab().setHub({
      endpoint: this.endpoint,
      ...(token === '' ? {} : { token }),
    });
  }
}
