import { shownBytes } from '../formats/text';
import { freeBytesOf, type StorageSpace } from './problems';

/**
 * What happens to bytes that a run reads from elsewhere: `keep` stores them for the next time, `pin`
 * stores them and exempts them from eviction, `stream` stores nothing, and `auto` keeps what fits.
 */
export type Caching = 'auto' | 'keep' | 'stream' | 'pin';

/** Left free of what the browser allows, for its own records and for what other pages do meanwhile. */
export const defaultMarginFraction01 = 0.2;

export interface CachingQuestion {
  /** What the person asked for. */
  readonly caching: Caching;
  /** All that would be stored. */
  readonly neededBytes: number;
  /** The part of it that is stored already. */
  readonly storedBytes?: number;
  /** What eviction could free (`StorageDetails.evictableBytes`). */
  readonly evictableBytes?: number;
  readonly space: StorageSpace;
  readonly marginFraction01?: number;
}

export interface CachingDecision {
  /** What to do now; `auto` never. */
  readonly caching: Exclude<Caching, 'auto'>;
  /** Whether everything fits, after eviction where `mustEvict`. */
  readonly fits: boolean;
  /** Whether it may fit for all the browser tells, which is a round number. */
  readonly mayFit: boolean;
  /** Call `LabStore.makeRoom(neededBytes)` first. */
  readonly mustEvict: boolean;
  /** Still to be stored. */
  readonly neededBytes: number;
  /** How much must be deleted by the person before everything fits; 0 when it fits. */
  readonly missingBytes: number;
  /** What was decided and why, for the person. */
  readonly sentence: string;
  /** What else the person can do when it does not fit, best first; empty when it fits. */
  readonly choices: readonly CachingChoice[];
}

export interface CachingChoice {
  readonly action: 'stream' | 'delete-models' | 'keep-what-fits';
  readonly sentence: string;
}

/**
 * Decides before a download whether it is kept. Where the browser does not tell how much room there
 * is, it is kept for as long as there is room.
 */
export function decideCaching(question: CachingQuestion): CachingDecision {
  const { caching, space, storedBytes = 0, evictableBytes = 0 } = question;
  const marginFraction01 = question.marginFraction01 ?? defaultMarginFraction01;
  const neededBytes = Math.max(0, question.neededBytes - storedBytes);
  const wantedBytes = Math.ceil(neededBytes * (1 + marginFraction01));
  const freeBytes = freeBytesOf(space);
  const fitsNow = neededBytes === 0 || wantedBytes <= freeBytes;
  const fits = fitsNow || wantedBytes <= freeBytes + evictableBytes;
  const shown = shownBytes(neededBytes);
  const mayFit = fits || space.isRounded === true;
  const decision = { fits, mayFit, neededBytes, mustEvict: fits && !fitsNow, choices: [] as const };
  if (caching === 'stream') {
    const sentence = 'Nothing is stored: the models are read from their source each time.';
    return { ...decision, mustEvict: false, caching, missingBytes: 0, sentence };
  }
  const kept = caching === 'auto' ? 'keep' : caching;
  if (fits) {
    const sentence = fitsNow
      ? `${shown} will be stored in this browser, so that the next run need not read them again.`
      : `${shown} will be stored in this browser; models that were not used for long make room.`;
    return { ...decision, caching: kept, missingBytes: 0, sentence };
  }
  const missingBytes = wantedBytes - freeBytes - evictableBytes;
  const room = shownBytes(freeBytes + evictableBytes);
  // A round number may be far less than there is: what fits is kept, and the rest streams through.
  const isUnknown = mayFit && caching === 'auto';
  const lack = `${shown} do not fit: the browser has room for ${room}`;
  return {
    ...decision,
    caching: caching === 'auto' && !isUnknown ? 'stream' : kept,
    missingBytes,
    sentence: isUnknown
      ? `${shown} may not fit: the browser tells only that it has room for ${room} or so. What does not fit is read from its source again in the next run.`
      : caching === 'auto'
        ? `${lack}, so the models are read from their source as the run needs them.`
        : `${lack}; what does not fit is read from its source again in the next run.`,
    choices: choicesFor(missingBytes),
  };
}

function choicesFor(missingBytes: number): CachingChoice[] {
  return [
    { action: 'stream', sentence: 'Store nothing; a later run reads everything again.' },
    {
      action: 'delete-models',
      sentence: `Delete stored models of ${shownBytes(missingBytes)} or more, then store everything.`,
    },
    { action: 'keep-what-fits', sentence: 'Store what fits and read the rest again each time.' },
  ];
}
