import type { MergeMethod } from './method';
import { density, lambda, normalizeSwitch, rescaleSwitch, weight } from './parameters';
import { randomDrop } from './random-drop';
import { weightedSum } from './weighted-sum';

/**
 * Random drop and rescale, then a sum (Yu et al. 2024); as mergekit 0.1.4, dtype float32: kept changes
 * are enlarged until the L1 norm of the tensor is what it was. The paper, and MergeBench (`mb_dare`),
 * divide by the density instead.
 */
export const dareLinear: MergeMethod = {
  id: 'dare_linear',
  title: 'DARE (linear)',
  family: 'sparsified',
  idea: 'Drops a random part of every specialist’s changes and enlarges the rest to make up for it. Much of a task vector is redundant, so little is lost and the specialists collide less.',
  formula:
    'mᵢ ~ Bernoulli(dᵢ),   rᵢ = ‖τᵢ‖₁ / ‖mᵢ·τᵢ‖₁,   W = B + λ·Σ wᵢ·rᵢ·mᵢ·τᵢ   (normalize: divided by Σ wᵢ)',
  tex: 'm_i \\sim \\mathrm{Bernoulli}(d_i), \\quad r_i = \\frac{\\lVert \\tau_i \\rVert_1}{\\lVert m_i \\tau_i \\rVert_1}, \\quad W = B + \\lambda \\sum_i w_i r_i m_i \\tau_i',
  tryThis:
    'Halve the density again and again, and change the seed to see how much of the score is luck.',
  source: {
    text: 'Yu et al. 2024, Language models are super Mario, eq. 2-4; L1 rescale of mergekit 0.1.4',
    url: 'https://arxiv.org/abs/2311.03099',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [weight, density, lambda, normalizeSwitch(false), rescaleSwitch(true)],

  define: (options, inputs) => weightedSum(randomDrop(options, inputs), options),
};
