import { invariant } from '../core/errors';
import type { Expr } from './expr';

/**
 * A number, or a list of counts, from all elements of a tensor. With `perModel` the expression is
 * evaluated once for every specialist and each has its own result.
 *
 * - `sum`: float64 sum of the float32 values. Order: a chunk of `chunkElements` has two partial sums.
 *   Of every eight elements x0 to x7 the first takes (x0 + x4) + (x1 + x5), the second
 *   (x2 + x6) + (x3 + x7), where what lies beyond the end counts as 0. Their sum is the chunk's, and
 *   chunk sums are added in order. On a GPU a chunk is summed in pairs of float32 in another order:
 *   within 1e-12 of the sum of magnitudes, so it may differ in the last bits of the float64.
 * - `max`: the largest value; NaN if any is NaN; -Infinity for an empty tensor.
 * - `count`: how many elements satisfy the condition; exact.
 * - `histogram`: how often each bin occurs among elements that satisfy `when`; exact. `bin` must be
 *   below `binCount`, which is at most 2048.
 */
export type Reduction =
  | { readonly kind: 'sum' | 'max'; readonly of: Expr<'f32'>; readonly perModel: boolean }
  | { readonly kind: 'count'; readonly of: Expr<'bool'>; readonly perModel: boolean }
  | {
      readonly kind: 'histogram';
      readonly bin: Expr<'u32'>;
      readonly when: Expr<'bool'>;
      readonly binCount: number;
      readonly perModel: boolean;
    };

/** What a reduction evaluates for every element; a histogram its bin, then its condition. */
export function exprsOf(reduction: Reduction): readonly Expr[] {
  return reduction.kind === 'histogram' ? [reduction.bin, reduction.when] : [reduction.of];
}

/** One list per result: chunk sums, chunk maxima and chunk counts in order, or the bins. */
export interface ReductionPartial {
  readonly lists: readonly Float64Array[];
}

/** Results of a reduction over a whole tensor or a whole model, one per specialist if `perModel`. */
export class ReductionTotal {
  readonly reduction: Reduction;
  readonly #resultCount: number;
  readonly #numbers: number[];
  readonly #chunks: number[][];
  /** Empty until the first slice, whose bins are taken over without a copy. */
  readonly #bins: Float64Array[] = [];

  constructor(reduction: Reduction, specialistCount: number) {
    this.reduction = reduction;
    this.#resultCount = reduction.perModel ? specialistCount : 1;
    const start = reduction.kind === 'max' ? -Infinity : 0;
    this.#numbers = Array.from({ length: this.#resultCount }, () => start);
    this.#chunks = this.#numbers.map(() => []);
  }

  /** Takes in the next slice, and its lists; the order of calls decides the last bits of a sum. */
  add({ lists }: ReductionPartial): void {
    invariant(lists.length === this.#resultCount, 'a partial has a list for every result');
    lists.forEach((list, result) => {
      if (this.reduction.kind === 'histogram') this.#addBins(result, list);
      else this.#addChunks(result, list);
    });
  }

  /** The numbers of a `sum`, `max` or `count`. */
  get numbers(): readonly number[] {
    invariant(this.reduction.kind !== 'histogram', 'a histogram has bins');
    return this.#numbers;
  }

  /** For every result of a `sum`, `max` or `count` the numbers of all chunks, in order. */
  get chunks(): readonly (readonly number[])[] {
    invariant(this.reduction.kind !== 'histogram', 'a histogram has bins');
    return this.#chunks;
  }

  /** The counts of a `histogram`. */
  get bins(): readonly Float64Array[] {
    const { reduction } = this;
    invariant(reduction.kind === 'histogram', 'only a histogram has bins');
    const { binCount } = reduction;
    return this.#numbers.map((_, result) => this.#bins[result] ?? new Float64Array(binCount));
  }

  #addBins(result: number, list: Float64Array): void {
    const bins = this.#bins[result];
    if (bins === undefined) {
      this.#bins[result] = list;
      return;
    }
    for (let bin = 0; bin < bins.length; bin++) bins[bin] = (bins[bin] ?? 0) + (list[bin] ?? 0);
  }

  #addChunks(result: number, list: Float64Array): void {
    const isMax = this.reduction.kind === 'max';
    for (const chunk of list) this.#chunks[result]?.push(chunk);
    this.#numbers[result] = list.reduce(
      (total, chunk) => (isMax ? Math.max(total, chunk) : total + chunk),
      this.#numbers[result] ?? 0,
    );
  }
}
