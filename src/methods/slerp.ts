import { add, base, mul, scalar, specialistAt } from '../expr/build';
import { gramPass } from './combine-models';
import type { MergeMethod } from './method';

/** Below it a tensor has no direction. */
const tinyNorm = 1e-8;
/** Above it, in float32, the angle is too small or too near π to divide by its sine. */
const nearlyParallel = Math.fround(0.9995);

/**
 * Spherical linear interpolation (Shoemake 1985) between the base, at t = 0, and the other model,
 * each tensor one vector; as mergekit 0.1.4. The mix is of the tensors as they are, so the norm is
 * not restored, and nearly opposite tensors are mixed linearly like nearly equal ones.
 */
export const slerp: MergeMethod = {
  id: 'slerp',
  title: 'SLERP',
  family: 'geometric',
  idea: 'Goes from one model to the other along an arc instead of a straight line, so that weights that point in different directions do not shrink on the way. It takes two models, one of which is named as the base.',
  formula:
    'θ = ∠(B, W₁),   W = sin((1−t)·θ)/sin θ·B + sin(t·θ)/sin θ·W₁   (|cos θ| > 0.9995: (1−t)·B + t·W₁)',
  tex: 'W = \\frac{\\sin((1-t)\\theta)}{\\sin\\theta} B + \\frac{\\sin(t\\theta)}{\\sin\\theta} W_1, \\qquad \\theta = \\angle(B, W_1)',
  tryThis:
    'Move t from 0 to 1 and look for a place where both models’ domains score well; then try different values for attention and MLP.',
  source: {
    text: 'Shoemake 1985, Animating rotation with quaternion curves; mergekit 0.1.4',
    url: 'https://doi.org/10.1145/325165.325242',
  },
  base: 'required',
  specialistCount: { min: 1, max: 1 },
  parameters: [
    {
      name: 't',
      symbol: 't',
      scope: 'method',
      kind: 'number',
      range: { min: 0, max: 1, step: 0.05 },
      meaning: 'How far to go from the base to the other model.',
      larger: 'A larger value is more like the other model; 0 is the base and 1 the other model.',
    },
  ],

  define: () => ({
    passes: [
      gramPass([base, specialistAt(0)], (gram, { scalars }) => {
        const t = scalars['t'] ?? 0;
        const [a = 1, b = 1] = gram.norms().map((norm) => (norm > tinyNorm ? norm : 1));
        const [baseFactor, otherFactor] = factors(gram.dot(0, 1) / (a * b), t);
        return { scalars: { baseFactor, otherFactor } };
      }),
    ],
    output: add(mul(scalar('baseFactor'), base), mul(scalar('otherFactor'), specialistAt(0))),
  }),
};

function factors(cosine: number, t: number): readonly [number, number] {
  if (Math.abs(Math.fround(cosine)) > nearlyParallel) return [1 - t, t];
  const angle = Math.acos(cosine);
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}
