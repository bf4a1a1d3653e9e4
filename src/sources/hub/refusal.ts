import type { LabError } from '../../core/errors';
import { Setback, readRetryAfter } from './patience';
import {
  badToken,
  changed,
  gated,
  notFound,
  rateLimited,
  shownPlace,
  unavailable,
  type HubPlace,
} from './problems';

/** Refusals that pass by themselves. */
const passingStatuses = new Set([408, 425, 500, 502, 503, 504, 520, 522, 524]);

/**
 * What a status other than success means, and whether to try again. The Hub says in `X-Error-Code`
 * what it means by a status; it answers 401 for repositories that do not exist when nobody signed in.
 */
export async function refusal(
  place: HubPlace,
  response: Response,
  hadToken: boolean,
): Promise<LabError | Setback> {
  const { status, headers } = response;
  // Frees the connection; what the body says is not ours to show.
  await response.body?.cancel().catch(() => undefined);
  const retryAfterMs = readRetryAfter(headers);
  if (status === 429) {
    return new Setback(rateLimited(place, retryAfterMs), { retryAfterMs });
  }
  const answered = unavailable(place, `was answered with status ${status}`, {
    details: { status },
  });
  if (passingStatuses.has(status)) return new Setback(answered, { retryAfterMs });
  if (status === 416) return changed(place, 'is shorter than it was');
  const isElsewhere =
    response.url !== '' && new URL(response.url).origin !== new URL(place.endpoint).origin;
  if (isElsewhere) return new Setback(answered, { isRefusal: true });
  switch (headers.get('X-Error-Code')) {
    case 'GatedRepo':
      return gated(place, status, hadToken);
    case 'RepoNotFound':
      return notFound(
        place,
        status,
        `model ${place.repo}`,
        hadToken ? '' : ', or sign in if the model is private',
      );
    case 'RevisionNotFound':
      return notFound(place, status, `such revision of ${place.repo}`);
    case 'EntryNotFound':
      return notFound(place, status, `file ${shownPlace(place)}`);
    default:
  }
  if (status === 401) return hadToken ? badToken(place, status) : gated(place, status, false);
  if (status === 403) return gated(place, status, hadToken);
  if (status === 404 || status === 410) return notFound(place, status, shownPlace(place));
  return answered;
}
