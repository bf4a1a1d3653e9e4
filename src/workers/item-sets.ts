import { parseItems, type EvalItem } from '../eval/items';
import { selectQuick } from '../eval/select-items';
import type { DomainId } from '../eval/tasks/task';
import type { Zoo } from '../sources/zoo';

/**
 * Items a domain in the quick set: with 16 a full pass takes below 4 s on two slow cores, and the
 * Wilson interval at 50 % is ±22 points. The full set narrows it.
 */
const quickItemsPerDomain = 16;
/** One order for everybody, so that quick scores of different merges are paired. */
export const itemSeed = 20_251_122;

/** The zoo's held-out items, parsed once per domain. They also judge the person's own models. */
export class ItemSets {
  readonly #zoo: Zoo;
  readonly #items = new Map<DomainId, Promise<readonly EvalItem[]>>();

  constructor(zoo: Zoo) {
    this.#zoo = zoo;
  }

  /**
   * The items of the wanted domains.
   * @throws LabError `source/network`, `eval/bad-item`
   */
  async select(
    selection: 'quick' | 'full',
    domains: readonly DomainId[],
    signal?: AbortSignal,
  ): Promise<readonly EvalItem[]> {
    const all: EvalItem[] = [];
    for (const domain of domains) all.push(...(await this.#of(domain, signal)));
    return selection === 'full' ? all : selectQuick(all, quickItemsPerDomain, itemSeed);
  }

  async #of(domain: DomainId, signal: AbortSignal | undefined): Promise<readonly EvalItem[]> {
    const parsing =
      this.#items.get(domain) ??
      this.#zoo.items(domain, { signal }).then((text) => parseItems(text, `items/${domain}.jsonl`));
    this.#items.set(domain, parsing);
    return parsing.catch((error: unknown) => {
      this.#items.delete(domain);
      throw error;
    });
  }
}
