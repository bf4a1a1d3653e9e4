import { LabError } from '../../core/errors';
import type { Fetch } from '../fetch-bytes';
import { isTrusted } from './addresses';
import { refusal } from './refusal';
import { Setback, type Waiting } from './patience';
import { badToken, unavailable, type HubPlace } from './problems';
import { StallWatch } from './stall-watch';

/** How to reach one Hub, shared by everything that is read from it. */
export interface HubSettings extends Waiting {
  /** Checked, without a slash at its end. */
  readonly endpoint: string;
  /** Asked before every request and kept nowhere. */
  readonly token: () => string | undefined;
  readonly fetch: Fetch;
  /** A transfer that brings nothing for so long is given up and tried again. */
  readonly stallMs: number;
  /** Hears of the size of every piece that arrives, for meters. */
  readonly onBytes: (count: number) => void;
}

/** An answer whose body is still to be read. */
export interface OpenAnswer {
  readonly response: Response;
  /** Call at every piece. */
  readonly touch: () => void;
}

interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one request and gives the answer to `use`, which reads the body. The token goes to the Hub's
 * own origin only. Ends the transfer when `use` ends, when it stalls, or when the signal fires.
 *
 * @throws Setback for what may pass; LabError `hub/…` for what will not
 */
export async function ask<T>(
  settings: HubSettings,
  place: HubPlace,
  url: string,
  { headers, signal }: AskOptions,
  use: (answer: OpenAnswer) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const token = tokenFor(settings, place, url);
  const controller = new AbortController();
  const onAbort = (): void => {
    controller.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const stall = new Error('stalled');
  const watch = new StallWatch(settings.stallMs, () => {
    controller.abort(stall);
  });
  let isDone = false;
  try {
    const response = await settings.fetch(url, {
      headers: { ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
      signal: controller.signal,
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    watch.touch();
    if (!response.ok) throw await refusal(place, response, token !== undefined);
    refusePlainText(place, response);
    const touch = (): void => {
      watch.touch();
    };
    const result = await use({ response, touch });
    isDone = true;
    return result;
  } catch (cause) {
    signal?.throwIfAborted();
    if (controller.signal.reason === stall) {
      throw new Setback(unavailable(place, 'stopped sending', { cause }));
    }
    if (cause instanceof LabError || cause instanceof Setback) throw cause;
    // No answer, a connection cut, a body that cannot be decoded: runtimes name them in many ways.
    throw new Setback(unavailable(place, 'could not be read to its end', { cause }));
  } finally {
    watch.stop();
    signal?.removeEventListener('abort', onAbort);
    if (!isDone) controller.abort();
  }
}

/** A token that cannot be a header would be quoted in the error of `fetch`. */
function tokenFor(settings: HubSettings, place: HubPlace, url: string): string | undefined {
  if (new URL(url).origin !== new URL(settings.endpoint).origin) return undefined;
  const token = settings.token()?.trim();
  if (token === undefined || token === '') return undefined;
  if (/^[\u0021-\u007e]{1,2000}$/.test(token)) return token;
  throw badToken(place, 0);
}

/** A redirect may leave the Hub, but not to a connection that anybody can read or change. */
function refusePlainText(place: HubPlace, response: Response): void {
  if (response.url === '' || isTrusted(new URL(response.url))) return;
  throw unavailable(place, 'lies at an address without encryption');
}
