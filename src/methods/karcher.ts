import { LabError } from '../core/errors';
import { specialistAt } from '../expr/build';
import { combineModels } from './combine-models';
import type { GramMatrix } from './gram-matrix';
import type { MergeMethod, PassContext } from './method';

/**
 * Karcher mean of the models' directions: the point of the sphere with the least sum of squared
 * angles, times the models' mean norm; as mergekit 0.1.4 with dtype float32. The iteration runs in
 * float64 on coefficients: every iterate is a combination of the models, and all its angles follow
 * from their dot products.
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
    text: 'Karcher 1977, Riemannian center of mass, §1; for models Wang et al. 2026, Functionality-oriented LLM merging',
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

  define: (_, inputs) =>
    inputs.specialistCount === 1
      ? { passes: [], output: specialistAt(0) }
      : combineModels({ ...inputs, hasBase: false }, karcherCoefficients),
};

function karcherCoefficients(gram: GramMatrix, { scalars, subject }: PassContext): number[] {
  const { max_iter: maxIterations = 10, tol = 1e-5 } = scalars;
  if (!Number.isInteger(maxIterations)) {
    throw new LabError(
      'recipe/bad-value',
      `max_iter is ${maxIterations} for ${subject}. Give karcher a whole number of steps.`,
      { details: { parameter: 'max_iter', value: maxIterations, subject } },
    );
  }
  const norms = gram.norms();
  const meanNorm = norms.reduce((sum, norm) => sum + norm / norms.length, 0);
  // `u` and `step` hold coefficients of the tensors as they are, not of their units.
  const units = norms.map((norm) => (norm > tol ? 1 / norm : 0));
  const share = 1 / units.filter((unit) => unit > 0).length;
  const lengthen = (vector: number[], factor: number): number[] =>
    vector.map((value) => value * factor);

  const first = units.findIndex((unit) => unit > 0);
  if (first === -1) return units;
  let u = lengthen(units, share);
  const startNorm = gram.normOf(u);
  u =
    startNorm < tol ? units.map((unit, i) => (i === first ? unit : 0)) : lengthen(u, 1 / startNorm);

  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const step = units.map(() => 0);
    for (const [i, unit] of units.entries()) {
      const cosine = Math.min(1, Math.max(-1, unit * gram.dotWith(i, u)));
      const angle = Math.acos(cosine);
      if (unit === 0 || angle < tol) continue;
      const factor = (share * angle) / Math.sin(angle);
      step.forEach((value, j) => {
        step[j] = value + factor * ((j === i ? unit : 0) - cosine * (u[j] ?? 0));
      });
    }
    const stepNorm = gram.normOf(step);
    if (stepNorm < tol) break;
    const along = Math.sin(stepNorm) / stepNorm;
    u = u.map((value, j) => Math.cos(stepNorm) * value + along * (step[j] ?? 0));
    const norm = gram.normOf(u);
    if (norm > tol) u = lengthen(u, 1 / norm);
  }
  return lengthen(u, meanNorm);
}
