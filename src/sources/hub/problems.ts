import { LabError, type ErrorDetails } from '../../core/errors';
import { modelPage } from './addresses';

/** What an error about a repository says where. */
export interface HubPlace {
  readonly endpoint: string;
  readonly repo: string;
  /** A file of it. */
  readonly path?: string | undefined;
}

/** The name of a place in a sentence. */
export function shownPlace({ repo, path }: HubPlace): string {
  return path === undefined ? repo : `${repo}/${path}`;
}

/** The same at the beginning of a sentence; no repository has a name with a blank in it. */
function placeAtBeginning(place: HubPlace): string {
  return shownPlace(place).replace(/^the /u, 'The ');
}

export function gated(place: HubPlace, status: number, hadToken: boolean): LabError {
  const page = modelPage(place.endpoint, place.repo);
  const next = hadToken
    ? `accept its terms at ${page} with the account that you signed in with, give the token the right to read gated models, then try again`
    : `accept its terms at ${page}, then sign in or paste an access token`;
  return new LabError(
    'hub/gated',
    `The model ${place.repo} is open only to people who accepted its terms: ${next}.`,
    { details: { ...detailsOf(place), status, page, hadToken } },
  );
}

export function badToken(place: HubPlace, status: number): LabError {
  return new LabError(
    'hub/gated',
    `The Hub did not take the access token for ${place.repo}; sign in again, or paste a token that is valid and may read models.`,
    { details: { ...detailsOf(place), status, hadToken: true } },
  );
}

export function notFound(place: HubPlace, status: number, what: string, hint = ''): LabError {
  return new LabError(
    'hub/not-found',
    `The Hub at ${place.endpoint} has no ${what}; correct the name${hint}.`,
    { details: { ...detailsOf(place), status } },
  );
}

export function rateLimited(place: HubPlace, waitMs: number | undefined): LabError {
  const when =
    waitMs === undefined ? 'in a few minutes' : `in ${Math.max(1, Math.ceil(waitMs / 60_000))} min`;
  return new LabError(
    'hub/rate-limited',
    `The Hub gets too many requests from this address (while reading ${shownPlace(place)}); try again ${when}, or sign in for a higher limit.`,
    { details: { ...detailsOf(place), status: 429, waitMs: waitMs ?? null } },
  );
}

/** @param problem such as `broke off`, to follow the name of the place */
export function unavailable(
  place: HubPlace,
  problem: string,
  options: { readonly details?: ErrorDetails; readonly cause?: unknown } = {},
): LabError {
  return new LabError(
    'hub/unavailable',
    `${placeAtBeginning(place)} ${problem}; check the connection and try again, or choose the files from a folder.`,
    { details: { ...detailsOf(place), ...options.details }, cause: options.cause },
  );
}

export function changed(place: HubPlace, problem: string): LabError {
  return new LabError(
    'hub/changed',
    `${shownPlace(place)} ${problem}, so it is not the file that was listed; open the model again.`,
    { details: detailsOf(place) },
  );
}

function detailsOf({ endpoint, repo, path }: HubPlace): ErrorDetails {
  return path === undefined ? { endpoint, repo } : { endpoint, repo, path };
}
