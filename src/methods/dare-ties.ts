import type { MergeMethod } from './method';
import { density, lambda, normalizeSwitch, rescaleSwitch, weight } from './parameters';
import { randomDrop } from './random-drop';
import { signElection } from './sign-election';

/**
 * The random drop of DARE (Yu et al. 2024) in place of the trim of TIES (Yadav et al. 2023); as
 * mergekit 0.1.4, dtype float32. Dropped changes do not vote.
 */
export const dareTies: MergeMethod = {
  id: 'dare_ties',
  title: 'DARE (TIES)',
  family: 'sparsified',
  idea: 'Drops a random part of every specialist’s changes and enlarges the rest to make up for it. What is left votes on the sign of each weight, and only the winners are added.',
  formula:
    'mᵢ ~ Bernoulli(dᵢ),   rᵢ = ‖τᵢ‖₁ / ‖mᵢ·τᵢ‖₁,   Dᵢ = wᵢ·rᵢ·mᵢ·τᵢ,   aᵢ = [sign Dᵢ = sign Σ D],   W = B + λ·Σ aᵢ·Dᵢ   (normalize: divided by Σ aᵢ·wᵢ)',
  tex: 'm_i \\sim \\mathrm{Bernoulli}(d_i), \\quad D_i = w_i \\frac{\\lVert \\tau_i \\rVert_1}{\\lVert m_i \\tau_i \\rVert_1} m_i \\tau_i, \\quad \\sigma = \\mathrm{sign}\\textstyle\\sum_i D_i, \\quad W = B + \\lambda \\sum_i [\\mathrm{sign} D_i = \\sigma]\\, D_i',
  tryThis:
    'Compare with DARE (linear) at the same density and seed: what changes is how conflicts end.',
  source: {
    text: 'Yu et al. 2024, Language models are super Mario; Yadav et al. 2023; L1 rescale of mergekit 0.1.4',
    url: 'https://arxiv.org/abs/2311.03099',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, density, lambda, normalizeSwitch(false), rescaleSwitch(true)],

  define: (options, inputs) => signElection(randomDrop(options, inputs), options),
};
