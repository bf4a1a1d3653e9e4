import { LabError } from '../core/errors';
import { HubClient } from '../sources/hub/hub-client';
import type { CachingDecision } from '../store/caching';
import { askForRoom } from './claim-room';
import type { PlaceSetting } from './opened-place';
import type { RunRequest } from './run-types';

/**
 * Decides before anything is fetched whether models of a hub are kept, with an output of the size of
 * the largest model beside them where that goes into the store too.
 * @throws LabError `store/quota` when the person wants them kept and they do not fit
 */
export async function decideKeeping(
  request: RunRequest,
  { store, hub: { endpoint, token } }: PlaceSetting,
  signal: AbortSignal,
): Promise<CachingDecision['caching']> {
  const { caching, models } = request;
  const remote = models.flatMap(({ place }) => (place.kind === 'hub' ? [place] : []));
  if (caching === 'stream' || remote.length === 0) return caching === 'auto' ? 'keep' : caching;
  const client = new HubClient({ endpoint, token: () => token });
  const sizes: number[] = [];
  try {
    for (const { repo, revision } of remote) {
      sizes.push((await client.describe(repo, revision, signal)).neededBytes);
    }
  } catch (error) {
    // Without the network nothing is fetched; whether all is here is found out when it is opened.
    if (error instanceof LabError && error.code === 'hub/unavailable') return 'keep';
    throw error;
  }
  const repos = new Set(remote.map(({ repo }) => repo));
  const stored = (await store.contents()).models.filter(({ source }) =>
    repos.has(source?.repo ?? ''),
  );
  const sum = (bytes: readonly number[]): number => bytes.reduce((total, one) => total + one, 0);
  const outputBytes = request.to === 'store' ? Math.max(...sizes) : 0;
  const decision = await askForRoom(
    caching,
    {
      neededBytes: sum(sizes) + outputBytes,
      storedBytes: sum(stored.map(({ storedBytes }) => storedBytes)),
    },
    store,
  );
  if (decision.fits || decision.caching === 'stream') return decision.caching;
  const { neededBytes, missingBytes, sentence, choices } = decision;
  throw new LabError(
    'store/quota',
    `${sentence} ${choices.map((choice) => choice.sentence).join(' Or: ')}`,
    { details: { neededBytes, missingBytes } },
  );
}
