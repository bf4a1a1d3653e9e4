import { LabError } from '../../core/errors';
import { rateLimited, type HubPlace } from './problems';

/** Why an upload failed, from the status alone; undefined when no answer came. */
export function uploadFailed(place: HubPlace, status: number | undefined): LabError {
  const details = { endpoint: place.endpoint, repo: place.repo, status: status ?? null };
  if (status === 401 || status === 403) {
    return new LabError(
      'hub/gated',
      `The access token may not write to ${place.repo}; sign in again, or paste a token with the right to write there.`,
      { details },
    );
  }
  if (status === 429) return rateLimited(place, undefined);
  const why = status === undefined ? 'broke off' : `was answered with status ${status}`;
  return new LabError(
    'hub/unavailable',
    `The upload to ${place.repo} ${why}; check the connection and upload again: what has arrived is not sent twice.`,
    { details },
  );
}
