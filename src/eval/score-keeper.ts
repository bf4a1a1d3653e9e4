import type { ItemResult } from './item-result';
import { wilsonInterval } from './statistics';
import { domainIds, type DomainId } from './tasks/task';

/** A domain's score so far, with its 95 % Wilson interval. */
export interface DomainScore {
  readonly domain: DomainId;
  readonly passedCount: number;
  readonly itemCount: number;
  readonly score01: number;
  readonly low01: number;
  readonly high01: number;
}

/** Running counts of one model over one set of items. */
export class ScoreKeeper {
  readonly #results = new Map<string, ItemResult>();

  /** Counts a result; the same item again replaces its earlier result. */
  add(result: ItemResult): void {
    this.#results.set(result.id, result);
  }

  get doneCount(): number {
    return this.#results.size;
  }

  /** In the order of arrival. */
  get results(): readonly ItemResult[] {
    return [...this.#results.values()];
  }

  /** Domains with at least one result, in their fixed order. */
  scores(): DomainScore[] {
    return domainScores(this.results);
  }
}

/** Scores of the domains that occur in `results`, in their fixed order. */
export function domainScores(results: readonly ItemResult[]): DomainScore[] {
  return domainIds.flatMap((domain) => {
    const ofDomain = results.filter((result) => result.domain === domain);
    if (ofDomain.length === 0) return [];
    const passedCount = ofDomain.filter((result) => result.passed).length;
    const { value01, low01, high01 } = wilsonInterval(passedCount, ofDomain.length);
    return [{ domain, passedCount, itemCount: ofDomain.length, score01: value01, low01, high01 }];
  });
}
