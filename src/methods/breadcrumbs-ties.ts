import type { MergeMethod } from './method';
import { breadcrumbsParameters, outlierTrim } from './outlier-trim';
import { signElection } from './sign-election';

/**
 * The masks of Model Breadcrumbs (Davari and Belilovsky 2024) in place of the trim of TIES (Yadav et
 * al. 2023); as mergekit 0.1.4, dtype float32.
 */
export const breadcrumbsTies: MergeMethod = {
  id: 'breadcrumbs_ties',
  title: 'Breadcrumbs (TIES)',
  family: 'sparsified',
  idea: 'Drops the smallest changes of every specialist as noise and the very largest as outliers. The middle votes on the sign of each weight, and only the winners are added.',
  formula:
    'mᵢ = 0 for the γᵢ·n largest and the smallest |τᵢ|, 1 for dᵢ·n between,   Dᵢ = wᵢ·mᵢ·τᵢ,   aᵢ = [sign Dᵢ = sign Σ D],   W = B + λ·Σ aᵢ·Dᵢ   (normalize: divided by Σ aᵢ·wᵢ)',
  tex: 'm_i = [\\beta_i \\le \\lvert\\tau_i\\rvert < \\gamma_i], \\quad D_i = w_i m_i \\tau_i, \\quad \\sigma = \\mathrm{sign}\\textstyle\\sum_i D_i, \\quad W = B + \\lambda \\sum_i [\\mathrm{sign} D_i = \\sigma]\\, D_i',
  tryThis:
    'Compare with TIES at the same density: the difference is what the largest changes alone did.',
  source: {
    text: 'Davari and Belilovsky 2024, Model Breadcrumbs; vote of Yadav et al. 2023',
    url: 'https://arxiv.org/abs/2312.06795',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: breadcrumbsParameters,

  define: (options) => signElection(outlierTrim(options), options),
};
