import { domainIds, type DomainId } from './tasks/task';

/** The five domains that specialists exist for; `general` measures forgetting. */
export type SpecialistDomain = Exclude<DomainId, 'general'>;

export const scoredDomains: readonly SpecialistDomain[] = domainIds.filter(
  (domain): domain is SpecialistDomain => domain !== 'general',
);

/** Shares right by domain, of one model. */
export type DomainShares = Readonly<Partial<Record<DomainId, number>>>;

/** Gains of a specialist below this share make the floored ratio meaningless. */
const smallestGain01 = 0.05;

/**
 * Normalised performance: the merge's score over that of the domain's own specialist (MergeBench,
 * arXiv 2505.10833, section 3; taken per domain). 1 is full recovery, more is possible.
 *
 * @returns undefined when the specialist scored 0
 */
export function normalisedPerformance(merged01: number, specialist01: number): number | undefined {
  return specialist01 === 0 ? undefined : merged01 / specialist01;
}

/**
 * The share of the specialist's gain over the base that the merge keeps: 0 is the base, 1 the
 * specialist. Not in MergeBench; it takes away the floor that an untuned base already has.
 *
 * @returns undefined when the specialist gained less than 5 points, as noise would rule
 */
export function flooredPerformance(
  merged01: number,
  specialist01: number,
  base01: number,
): number | undefined {
  const gain = specialist01 - base01;
  return gain < smallestGain01 ? undefined : (merged01 - base01) / gain;
}

/** What a merge is worth beside its parents. A field is undefined while scores are missing. */
export interface MergeMetrics {
  /** Unweighted mean of the five raw domain scores (MergeBench's multi-task average). */
  readonly multiTask01: number | undefined;
  /** Mean of normalised performance over the five domains. */
  readonly normalised: number | undefined;
  /** Mean of floored performance over the domains where it is defined. */
  readonly floored: number | undefined;
  /** The base's general score minus the merge's; negative when the merge is better. */
  readonly forgetting01: number | undefined;
  /** The merge's general score over the base's: MergeBench's normalised generalisation. */
  readonly retention: number | undefined;
  readonly byDomain: Readonly<
    Partial<
      Record<
        SpecialistDomain,
        { readonly normalised: number | undefined; readonly floored: number | undefined }
      >
    >
  >;
}

/**
 * Metrics of a merge from scores over the same items.
 * @param specialists each domain's own specialist, its score in that domain alone
 */
export function mergeMetrics(
  merged: DomainShares,
  base: DomainShares,
  specialists: DomainShares,
): MergeMetrics {
  const byDomain: Partial<
    Record<SpecialistDomain, { normalised: number | undefined; floored: number | undefined }>
  > = {};
  for (const domain of scoredDomains) {
    const merged01 = merged[domain];
    const specialist01 = specialists[domain];
    const base01 = base[domain];
    if (merged01 === undefined || specialist01 === undefined) continue;
    byDomain[domain] = {
      normalised: normalisedPerformance(merged01, specialist01),
      floored:
        base01 === undefined ? undefined : flooredPerformance(merged01, specialist01, base01),
    };
  }
  const floored = Object.values(byDomain).flatMap((entry) => entry.floored ?? []);
  return {
    multiTask01: meanOfAll(scoredDomains.map((domain) => merged[domain])),
    normalised: meanOfAll(scoredDomains.map((domain) => byDomain[domain]?.normalised)),
    floored: floored.length === 0 ? undefined : meanOfAll(floored),
    ...generalMetrics(merged.general, base.general),
    byDomain,
  };
}

function generalMetrics(
  merged01: number | undefined,
  base01: number | undefined,
): Pick<MergeMetrics, 'forgetting01' | 'retention'> {
  if (merged01 === undefined || base01 === undefined) {
    return { forgetting01: undefined, retention: undefined };
  }
  return {
    forgetting01: base01 - merged01,
    retention: base01 === 0 ? undefined : merged01 / base01,
  };
}

/** The mean, or undefined when one value is missing: a mean over fewer domains is not comparable. */
function meanOfAll(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return values.length === 0 ? undefined : sum / values.length;
}
