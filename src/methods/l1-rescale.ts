import type { Expr } from '../expr/expr';
import type { ReducePass } from './method';

/**
 * Adds the list `rescale`: Σ before / Σ after for every model, in float32, or 1 when either sum is
 * below 1e-7 or the model's density is 1 (mergekit 0.1.4, `rescale_norm: l1`). It is measured on the
 * mask that was drawn and is only about 1 / density.
 */
export function l1Rescale(before: Expr<'f32'>, after: Expr<'f32'>): ReducePass {
  return {
    kind: 'reduce',
    scope: 'tensor',
    reductions: {
      before: { kind: 'sum', of: before, perModel: true },
      after: { kind: 'sum', of: after, perModel: true },
    },
    then: (totals, { perModel }) => {
      const rescale = (totals['before'] ?? []).map((sum, model) => {
        const kept = totals['after']?.[model] ?? 0;
        if ((perModel['density']?.[model] ?? 1) >= 1) return 1;
        if (sum < 1e-7 || kept < 1e-7) return 1;
        return Math.fround(Math.fround(sum) / Math.fround(kept));
      });
      return { perModel: { rescale } };
    },
  };
}
