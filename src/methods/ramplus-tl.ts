import { add, base, mul, perModel, sumOverModels } from '../expr/build';
import { activityBound, isLone, isShared, loneChange, sharedChange } from './active-changes';
import type { MergeMethod, NumberParameter, ReducePass } from './method';

const boost: NumberParameter = {
  name: 'r',
  symbol: 'r',
  scope: 'method',
  kind: 'number',
  default: 0.1,
  range: { min: 0, max: 2, step: 0.05 },
  meaning: 'How strongly lone changes are enlarged to make up for the averaging of shared ones.',
  larger: 'A larger value enlarges lone changes more; 0 is RAM.',
};

const boostLimit: NumberParameter = {
  name: 'alpha',
  symbol: 'α',
  scope: 'method',
  kind: 'number',
  default: 0.2,
  range: { min: 0, max: 2, step: 0.05 },
  meaning: 'The most that the ratio of shared to lone changes may count.',
  larger: 'A larger value lets specialists that share much be enlarged more.',
};

/**
 * RAM+ with ratios of each tensor (Yuan et al. 2026): as RAM, but what one model alone changed is
 * enlarged by λᵢ, the more so the more of that model's changes are shared. As mergekit, dtype float32;
 * a tensor in which a model changed nothing alone has the largest λᵢ, with nothing to enlarge.
 */
export const ramplusTl: MergeMethod = {
  id: 'ramplus_tl',
  title: 'RAM+ (tensor-local)',
  family: 'sparsified',
  idea: 'Averages changes that several specialists made, which weakens them. To make up for it, changes that only one specialist made are enlarged a little.',
  formula:
    'aᵢ = [|τᵢ| > ε],   c = Σ aᵢ,   ρᵢ = shared / lone (counts of i),   λᵢ = 1 + r·clamp(ρᵢ, 0, α),   W = B + Σ aᵢ·τᵢ·(λᵢ if c = 1 else 1 / c)',
  tex: '\\rho_i = \\frac{\\mathrm{shared}_i}{\\mathrm{lone}_i}, \\quad \\lambda_i = 1 + r \\min(\\rho_i, \\alpha), \\quad W = B + \\sum_i a_i \\tau_i \\begin{cases} \\lambda_i & c = 1 \\\\ 1/c & c > 1 \\end{cases}',
  tryThis: 'Raise r and alpha together, and compare with RAM at the same epsilon.',
  source: {
    text: 'Yuan et al. 2026, Behavior Knowledge Merge in Reinforced Agentic Models, RAM+; per tensor as in mergekit',
    url: 'https://arxiv.org/abs/2601.13572',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [boost, boostLimit, activityBound],
  isAverage: true,

  define: () => ({
    passes: [boosts],
    output: add(base, sumOverModels(add(mul(loneChange, perModel('boost')), sharedChange))),
  }),
};

/** Adds the list `boost`: λᵢ, in float32. */
const boosts: ReducePass = {
  kind: 'reduce',
  scope: 'tensor',
  reductions: {
    lone: { kind: 'count', of: isLone, perModel: true },
    shared: { kind: 'count', of: isShared, perModel: true },
  },
  then: ({ lone = [], shared = [] }, { scalars }) => {
    const { r = 0, alpha = 0, epsilon = 0 } = scalars;
    const boost = shared.map((count, model) => {
      const ratio = Math.fround(count / Math.max(lone[model] ?? 0, Math.fround(epsilon)));
      const limited = Math.min(Math.max(ratio, 0), Math.fround(alpha));
      return 1 + Math.fround(Math.fround(r) * limited);
    });
    return { perModel: { boost } };
  },
};
