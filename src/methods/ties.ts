import { magnitudeTrim } from './magnitude-trim';
import type { MergeMethod } from './method';
import { density, granularity, lambda, normalizeSwitch, rescaleSwitch, weight } from './parameters';
import { signElection } from './sign-election';

/** Trim, elect sign, disjoint merge (Yadav et al. 2023); as mergekit 0.1.4, dtype float32. */
export const ties: MergeMethod = {
  id: 'ties',
  title: 'TIES',
  family: 'sparsified',
  idea: 'Keeps only the largest changes of every specialist and lets them vote on the sign of each weight. Then merges those that agree with the winner, so that opposite changes no longer cancel.',
  formula:
    'Dᵢ = wᵢ·top_dᵢ(τᵢ),   σ = sign(Σ Dᵢ),   aᵢ = [sign Dᵢ = σ],   W = B + λ·Σ aᵢ·Dᵢ / Σ aᵢ·wᵢ',
  tex: 'D_i = w_i\\,\\mathrm{top}_{d_i}(\\tau_i), \\quad \\sigma = \\mathrm{sign}\\textstyle\\sum_i D_i, \\quad W = B + \\lambda \\frac{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, D_i}{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, w_i}',
  tryThis:
    'Lower the density until scores drop: often a fifth of the changes carries most of the skill.',
  source: {
    text: 'Yadav et al. 2023, TIES-Merging, Algorithm 1',
    url: 'https://arxiv.org/abs/2306.01708',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, density, lambda, normalizeSwitch(true), rescaleSwitch(false), granularity],

  define: (options) => signElection(magnitudeTrim(options), options),
};
