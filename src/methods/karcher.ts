import { LabError } from '../core/errors';
import {
  eq,
  f32,
  mul,
  perModel,
  select,
  specialist,
  specialistAt,
  sumOverModels,
} from '../expr/build';
import { combineModels } from './combine-models';
import type { GramMatrix } from './gram-matrix';
import { karcherMean } from './karcher-mean';
import type { MergeMethod, PassContext } from './method';

/**
 * Karcher mean of the models' directions: the point of the sphere with the least sum of squared
 * angles, times the models' mean norm; as mergekit 0.1.4 with dtype float32.
 */
export const karcher: MergeMethod = {
  id: 'karcher',
  title: 'Karcher mean',
  family: 'geometric',
  idea: 'Looks for the direction whose angles to all models are as small as possible. It treats all models alike and needs neither base nor weights.',
  formula:
    'uᵢ = Wᵢ/‖Wᵢ‖,   u ← exp_u(mean of log_u(uᵢ)) until it moves by less than tol,   W = mean(‖Wᵢ‖)·u',
  tex: 'u = \\arg\\min_{\\lVert v \\rVert = 1} \\sum_i \\angle(v, W_i)^2, \\qquad W = \\Bigl(\\tfrac{1}{N} \\sum_i \\lVert W_i \\rVert\\Bigr) u',
  tryThis:
    'Add the base as one more model: it pulls the mean back to where all specialists came from.',
  source: {
    text: 'Karcher 1977, Riemannian center of mass; for models Wang et al. 2026, Functionality-oriented LLM merging',
    url: 'https://arxiv.org/abs/2603.04972',
  },
  base: 'none',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    {
      name: 'max_iter',
      symbol: 'max_iter',
      scope: 'method',
      kind: 'number',
      default: 10,
      range: { min: 1, max: 100, step: 1 },
      meaning: 'The largest number of steps towards the mean.',
      larger: 'A larger number matters only while the mean still moves; ten steps are plenty.',
    },
    {
      name: 'tol',
      symbol: 'tol',
      scope: 'method',
      kind: 'number',
      default: 1e-5,
      range: { min: 0, max: 0.01, step: 1e-5 },
      meaning:
        'Ends the search at steps below it, and leaves out tensors whose norm is not above it.',
      larger: 'A larger value ends the search earlier.',
    },
  ],
  isAverage: true,

  define: (_, inputs) => {
    if (inputs.specialistCount === 1) return { passes: [], output: specialistAt(0) };
    const { passes } = combineModels({ ...inputs, hasBase: false }, karcherCoefficients);
    // A model that is left out may hold infinities.
    const coefficient = perModel('coefficient');
    const share = select(eq(coefficient, f32(0)), f32(0), mul(coefficient, specialist));
    return { passes, output: sumOverModels(share) };
  },
};

function karcherCoefficients(gram: GramMatrix, { scalars, subject }: PassContext): number[] {
  const { max_iter: maxIterations = 10, tol = 1e-5 } = scalars;
  if (Number.isInteger(maxIterations)) return karcherMean(gram, maxIterations, tol);
  throw new LabError(
    'recipe/bad-value',
    `max_iter is ${maxIterations} for ${subject}. Give karcher a whole number of steps.`,
    { details: { parameter: 'max_iter', value: maxIterations, subject } },
  );
}
