import { LabError } from '../core/errors';
import { shownBytes } from '../formats/text';
import { decideCaching, type CachingDecision } from '../store/caching';
import type { LabStore } from '../store/lab-store';
import type { RunRequest } from './run-types';

/** Room for what a run stores, with the margin of `decideCaching`. */
export interface Room {
  readonly neededBytes: number;
  readonly storedBytes: number;
}

/**
 * Makes sure that the output fits, if need be by evicting what was not used for longest.
 * @throws LabError `store/quota` with the numbers and what else can be done
 */
export async function claimRoom(output: Room, store: LabStore): Promise<void> {
  const decision = await askForRoom('keep', output, store);
  if (decision.fits) {
    if (!decision.mustEvict || (await store.makeRoom(decision.neededBytes))) return;
  } else if (decision.mayFit) return;
  const { neededBytes, missingBytes } = decision;
  throw new LabError(
    'store/quota',
    `The output takes ${shownBytes(neededBytes)} more, with a fifth to spare, and this browser’s storage lacks ${shownBytes(missingBytes)} of that; write it into a folder, choose a quantised output, or delete stored models.`,
    { details: { neededBytes, missingBytes } },
  );
}

/** Asks the browser how much room there is, and `decideCaching` what that means. */
export async function askForRoom(
  caching: RunRequest['caching'],
  { neededBytes, storedBytes }: Room,
  store: LabStore,
): Promise<CachingDecision> {
  const space = await store.contents();
  const { evictableBytes } = space;
  return decideCaching({ caching, neededBytes, storedBytes, evictableBytes, space });
}
