import { epsilon, magnitudeDrop } from './magnitude-drop';
import type { MergeMethod } from './method';
import { density, lambda, normalizeSwitch, rescaleSwitch, weight } from './parameters';
import { weightedSum } from './weighted-sum';

/** Drop by rank, then a plain sum (MAGPRUNE of Deep et al. 2024); as mergekit 0.1.4, dtype float32. */
export const dellaLinear: MergeMethod = {
  id: 'della_linear',
  title: 'DELLA (linear)',
  family: 'sparsified',
  idea: 'Drops changes at random, but keeps large ones more often than small ones. The rest is enlarged to make up for it and added without a vote.',
  formula:
    'pᵢ = dᵢ − εᵢ + 2·εᵢ·rank|τᵢ| / (n − 1),   mᵢ ~ Bernoulli(pᵢ),   W = B + λ·Σ wᵢ·rᵢ·mᵢ·τᵢ   (normalize: divided by Σ wᵢ)',
  tex: 'p_i = d_i - \\varepsilon_i + 2 \\varepsilon_i \\frac{\\mathrm{rank}\\lvert\\tau_i\\rvert}{n - 1}, \\quad m_i \\sim \\mathrm{Bernoulli}(p_i), \\quad W = B + \\lambda \\sum_i w_i r_i m_i \\tau_i',
  tryThis:
    'Set epsilon to 0 and you have DARE; compare both at a density where DARE begins to fail.',
  source: {
    text: 'Deep et al. 2024, DELLA-Merging, MAGPRUNE; L1 rescale of mergekit 0.1.4',
    url: 'https://arxiv.org/abs/2406.11617',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, density, epsilon, lambda, normalizeSwitch(false), rescaleSwitch(true)],

  define: (options, inputs) => weightedSum(magnitudeDrop(options, inputs), options),
};
