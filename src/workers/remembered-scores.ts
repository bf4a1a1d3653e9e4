import { defaultMaxNewTokens } from '../eval/evaluate';
import type { ItemResult } from '../eval/item-result';
import type { EvalItem } from '../eval/items';
import { itemSetHash } from '../eval/select-items';
import type { LabStore } from '../store/lab-store';

/** What is kept of one evaluation. */
export interface KeptScores {
  readonly results: readonly ItemResult[];
  /** How long the merge had taken, for the scores of a merge. */
  readonly mergeMs?: number;
}

/** Scores by what was scored, on which items and in what numbers, kept between visits. */
export class RememberedScores {
  readonly #store: LabStore;

  constructor(store: LabStore) {
    this.#store = store;
  }

  /** @param model names the content of the model; without it nothing is found */
  async find(
    model: string | undefined,
    items: readonly EvalItem[],
    dtype: string,
  ): Promise<KeptScores | undefined> {
    if (model === undefined) return undefined;
    const found = await this.#store.scores.get([model, itemSetHash(items), numbersOf(dtype)]);
    if (found === undefined) return undefined;
    // Scores of models were once kept as the bare list.
    return Array.isArray(found.data)
      ? { results: found.data as readonly ItemResult[] }
      : (found.data as KeptScores);
  }

  async keep(
    model: string | undefined,
    items: readonly EvalItem[],
    dtype: string,
    scores: KeptScores,
  ): Promise<void> {
    if (model === undefined) return;
    await this.#store.scores.put({
      modelHash: model,
      itemSetHash: itemSetHash(items),
      dtype: numbersOf(dtype),
      data: scores,
      updatedAtMs: Date.now(),
    });
  }
}

/** Longer replies are other replies. */
function numbersOf(dtype: string): string {
  return `${dtype}/${defaultMaxNewTokens}`;
}
