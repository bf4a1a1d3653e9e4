import type { MergeMethod } from './method';
import { breadcrumbsParameters, outlierTrim } from './outlier-trim';
import { weightedSum } from './weighted-sum';

/** Trim both ends, then a sum (Davari and Belilovsky 2024); as mergekit 0.1.4, dtype float32. */
export const breadcrumbs: MergeMethod = {
  id: 'breadcrumbs',
  title: 'Breadcrumbs',
  family: 'sparsified',
  idea: 'Drops the smallest changes of every specialist as noise and the very largest as outliers. The middle is added to the base.',
  formula:
    'mᵢ = 0 for the γᵢ·n largest and the smallest |τᵢ|, 1 for dᵢ·n between,   W = B + λ·Σ wᵢ·mᵢ·τᵢ   (normalize: divided by Σ wᵢ)',
  tex: 'm_i = [\\beta_i \\le \\lvert\\tau_i\\rvert < \\gamma_i], \\qquad W = B + \\lambda \\sum_i w_i m_i \\tau_i',
  tryThis:
    'Keep the density and raise gamma slowly: see whether the few largest changes carried the skill.',
  source: {
    text: 'Davari and Belilovsky 2024, Model Breadcrumbs, sparse masks',
    url: 'https://arxiv.org/abs/2312.06795',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: breadcrumbsParameters,

  define: (options) => weightedSum(outlierTrim(options), options),
};
