import { add, base, sumOverModels } from '../expr/build';
import { activityBound, loneChange, sharedChange } from './active-changes';
import type { MergeMethod } from './method';

/**
 * Reinforced agent merging (Yuan et al. 2026): a change that one model alone made is kept whole, a
 * change that several made is averaged over those. As mergekit, dtype float32. Differences of bf16
 * weights are either 0 or far above the default ε, so active then means changed at all.
 */
export const ram: MergeMethod = {
  id: 'ram',
  title: 'RAM',
  family: 'sparsified',
  idea: 'Keeps a change in full when only one specialist made it. Where several changed the same weight, it takes their average.',
  formula: 'aᵢ = [|τᵢ| > ε],   W = B + Σ aᵢ·τᵢ / max(Σ aᵢ, 1)',
  tex: 'a_i = [\\lvert\\tau_i\\rvert > \\varepsilon], \\qquad W = B + \\frac{\\sum_i a_i \\tau_i}{\\max(\\sum_i a_i, 1)}',
  tryThis:
    'Raise epsilon until the specialists overlap less: lone changes are then added at full strength.',
  source: {
    text: 'Yuan et al. 2026, Behavior Knowledge Merge in Reinforced Agentic Models, RAM',
    url: 'https://arxiv.org/abs/2601.13572',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [activityBound],
  isAverage: true,

  define: () => ({
    passes: [],
    output: add(base, sumOverModels(add(loneChange, sharedChange))),
  }),
};
