import { LabError } from '../core/errors';
import { specialistAt } from '../expr/build';
import { combineModels } from './combine-models';
import type { GramMatrix } from './gram-matrix';
import type { MergeMethod, PassContext } from './method';
import { weight } from './parameters';
import { sumInF32 } from './sum-in-f32';

/**
 * Barycentre of several directions on the sphere, by one step from their weighted mean (Goddard
 * 2025); as mergekit 0.1.4. It differs from SLERP even for two models.
 *
 * mergekit takes the units to the tangent space at their mean m, averages there and goes back. That
 * average is zero: Σ wᵢ·(uᵢ − ⟨uᵢ, m⟩·m) = M·m − M·m with M·m = Σ wᵢ·uᵢ. What remains is m itself,
 * times cos ε; mergekit’s own result differs by its rounding errors.
 */
export const multislerp: MergeMethod = {
  id: 'multislerp',
  title: 'Multi-SLERP',
  family: 'geometric',
  idea: 'Averages the directions of any number of models and gives the result the average length of the models. A plain average of different directions would come out too short.',
  formula:
    'Xᵢ = Wᵢ − B,   uᵢ = Xᵢ/(‖Xᵢ‖ + ε),   W = B + (Σ wᵢ·‖Xᵢ‖)·cos ε·Σ wᵢ·uᵢ / ‖Σ wᵢ·uᵢ‖   (without a base: B = 0)',
  tex: 'W = B + \\Bigl(\\sum_i w_i \\lVert X_i \\rVert\\Bigr) \\frac{\\sum_i w_i u_i}{\\lVert \\sum_i w_i u_i \\rVert}, \\qquad u_i = \\frac{X_i}{\\lVert X_i \\rVert + \\varepsilon}, \\quad X_i = W_i - B',
  tryThis:
    'Compare it with a plain average of the same weights: the further apart the models are, the more length it restores.',
  source: {
    text: 'Goddard 2025, Multi-SLERP; mergekit 0.1.4',
    url: 'https://goddard.blog/posts/multislerp-wow-what-a-cool-idea',
  },
  base: 'optional',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    weight,
    {
      name: 'normalize_weights',
      symbol: 'normalize_weights',
      scope: 'method',
      kind: 'switch',
      default: true,
      meaning: 'Divides the weights by their sum first.',
      larger: 'On: the length is an average of the models’. Off: it grows with every weight.',
    },
    {
      name: 'eps',
      symbol: 'ε',
      scope: 'method',
      kind: 'number',
      default: 1e-8,
      range: { min: 0, max: 1e-3, step: 1e-8 },
      meaning: 'A small number that keeps lengths of zero from being divided by.',
      larger: 'A larger value weakens tensors whose length is as small as it.',
    },
  ],

  define: ({ normalize_weights: normalize }, inputs) =>
    inputs.specialistCount === 1
      ? { passes: [], output: specialistAt(0) }
      : combineModels(inputs, (gram, context) => coefficients(gram, context, normalize === true)),
};

function coefficients(gram: GramMatrix, context: PassContext, normalize: boolean): number[] {
  const given = context.perModel['weight'] ?? [];
  const total = normalize ? sumInF32(given) : 1;
  const weights = given.map((value) => value / total);
  const eps = context.scalars['eps'] ?? 0;

  const norms = gram.norms();
  const mean = weights.map((value, i) => value / ((norms[i] ?? 0) + eps));
  const meanNorm = gram.normOf(mean);
  if (meanNorm < eps) {
    if (weights.length === 2) return weights;
    throw new LabError(
      'recipe/bad-value',
      `The weighted directions of the models cancel in ${context.subject}, so multislerp has no ` +
        'direction to go. Change a weight, or leave out the model that is opposite to the others.',
      { details: { subject: context.subject } },
    );
  }
  const length = weights.reduce((sum, value, i) => sum + value * (norms[i] ?? 0), 0);
  return mean.map((value) => (value * length * Math.cos(eps)) / meanNorm);
}
