import { epsilon, magnitudeDrop } from './magnitude-drop';
import type { MergeMethod } from './method';
import { density, lambda, normalizeSwitch, rescaleSwitch, weight } from './parameters';
import { signElection } from './sign-election';

/** Drop by rank, elect sign, merge (Deep et al. 2024); as mergekit 0.1.4, dtype float32. */
export const della: MergeMethod = {
  id: 'della',
  title: 'DELLA',
  family: 'sparsified',
  idea: 'Drops changes at random, but keeps large ones more often than small ones. What is left votes on the sign of each weight, and those that agree with the winner are merged.',
  formula:
    'pᵢ = dᵢ − εᵢ + 2·εᵢ·rank|τᵢ| / (n − 1),   mᵢ ~ Bernoulli(pᵢ),   Dᵢ = wᵢ·rᵢ·mᵢ·τᵢ,   aᵢ = [sign Dᵢ = sign Σ D],   W = B + λ·Σ aᵢ·Dᵢ / Σ aᵢ·wᵢ',
  tex: 'p_i = d_i - \\varepsilon_i + 2 \\varepsilon_i \\frac{\\mathrm{rank}\\lvert\\tau_i\\rvert}{n - 1}, \\quad m_i \\sim \\mathrm{Bernoulli}(p_i), \\quad D_i = w_i r_i m_i \\tau_i, \\quad W = B + \\lambda \\frac{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, D_i}{\\sum_i [\\mathrm{sign} D_i = \\sigma]\\, w_i}',
  tryThis:
    'Take a low density and raise epsilon from 0: the drop turns from pure chance towards a choice of the largest.',
  source: {
    text: 'Deep et al. 2024, DELLA-Merging: drop, elect, fuse; L1 rescale of mergekit 0.1.4',
    url: 'https://arxiv.org/abs/2406.11617',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, density, epsilon, lambda, normalizeSwitch(true), rescaleSwitch(true)],

  define: (options, inputs) => signElection(magnitudeDrop(options, inputs), options),
};
