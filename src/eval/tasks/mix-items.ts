import { Random } from '../../core/random';
import { drawFromSplit, type DomainId, type DrawnItem, type ItemCheck, type Split } from './task';
import { kindsByDomain } from './index';
import type { TaskKind } from './task';

/** A prompt with what its reply is judged by. */
export interface ItemPart {
  readonly prompt: string;
  readonly answer: string;
  readonly check: ItemCheck;
}

/** One line of an item file (`public/zoo/items/<domain>.jsonl`). */
export interface EvalItem extends ItemPart {
  /** `<domain>-<number>`, stable for one seed. */
  readonly id: string;
  readonly domain: DomainId;
  readonly kind: string;
  readonly tail?: true;
  readonly partner?: ItemPart;
}

/** Draws of one kind without a new prompt after which the kind counts as used up. */
const patience = 400;

function partOf({ prompt, answer, check }: ItemPart): ItemPart {
  return { prompt, answer, check };
}

/** Cycles through kinds so that every stretch holds each in proportion to its share. */
class KindCycle {
  readonly #credits: Map<TaskKind, number>;

  constructor(kinds: readonly TaskKind[]) {
    this.#credits = new Map(kinds.map((kind) => [kind, 0]));
  }

  next(): TaskKind | undefined {
    let best: TaskKind | undefined;
    let bestCredit = -Infinity;
    let total = 0;
    for (const [kind, credit] of this.#credits) {
      const share = kind.share ?? 1;
      total += share;
      this.#credits.set(kind, credit + share);
      if (credit + share > bestCredit) [best, bestCredit] = [kind, credit + share];
    }
    if (best !== undefined) this.#credits.set(best, bestCredit - total);
    return best;
  }

  drop(kind: TaskKind): void {
    this.#credits.delete(kind);
  }
}

/**
 * `count` questions of one domain from one split, no prompt twice, kinds interleaved so that any
 * prefix is balanced. Small kinds that run out of questions leave their places to the others.
 *
 * @throws RangeError when the domain has fewer than `count` questions in that split
 */
export function drawItemSet(
  domain: DomainId,
  split: Split,
  count: number,
  seed: number,
): EvalItem[] {
  const kinds = kindsByDomain[domain];
  const random = Random.named(seed, `items/${domain}/${split}`);
  const cycle = new KindCycle(kinds);
  const seen = new Set<string>();
  const items: EvalItem[] = [];
  while (items.length < count) {
    const kind = cycle.next();
    if (kind === undefined) {
      throw new RangeError(`${domain} has only ${String(items.length)} ${split} questions`);
    }
    const item = drawUnseen(kind, split, random, seen);
    if (item === undefined) {
      cycle.drop(kind);
      continue;
    }
    items.push({
      id: `${domain}-${String(items.length + 1).padStart(4, '0')}`,
      domain,
      kind: kind.id,
      ...(kind.tail === true ? { tail: true } : {}),
      ...partOf(item),
      ...(item.partner === undefined ? {} : { partner: partOf(item.partner) }),
    });
  }
  return items;
}

function drawUnseen(
  kind: TaskKind,
  split: Split,
  random: Random,
  seen: Set<string>,
): DrawnItem | undefined {
  for (let attempt = 0; attempt < patience; attempt++) {
    const item = drawFromSplit(kind, split, random);
    if (seen.has(item.prompt) || (item.partner && seen.has(item.partner.prompt))) continue;
    seen.add(item.prompt);
    if (item.partner) seen.add(item.partner.prompt);
    return item;
  }
  return undefined;
}
