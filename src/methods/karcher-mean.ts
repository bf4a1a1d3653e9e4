import type { GramMatrix } from './gram-matrix';

/**
 * What rounded products leave undecided of a length or of an angle near π. Opposite directions have
 * no mean, so nothing sensible is lost: mergekit follows its rounding errors there.
 */
const undecided = 2 ** -10;

/**
 * Coefficients cᵢ with which Σ cᵢ·xᵢ is the Karcher mean of the directions of the xᵢ, as long as the
 * xᵢ are on average (Karcher 1977; the iteration is mergekit 0.1.4's). It runs in float64 on
 * coefficients alone: every iterate is a combination of the xᵢ, so its angles follow from their dot
 * products.
 * @param tol ends the search at steps below it, in radians; xᵢ whose norm is not above it get 0
 */
export function karcherMean(gram: GramMatrix, maxIterations: number, tol: number): number[] {
  const norms = gram.norms();
  const meanNorm = norms.reduce((sum, norm) => sum + norm / norms.length, 0);
  // `u` and `step` hold coefficients of the tensors as they are, not of their units.
  const units = norms.map((norm) => {
    if (!(norm > tol)) return 0;
    return norm < Infinity ? 1 / norm : NaN;
  });
  const share = 1 / units.filter((unit) => unit !== 0).length;
  const lengthen = (vector: number[], factor: number): number[] =>
    vector.map((value) => value * factor);

  const first = units.findIndex((unit) => unit !== 0);
  if (first === -1) return units;
  let u = lengthen(units, share);
  const startNorm = gram.normOf(u);
  u =
    startNorm < Math.max(tol, undecided)
      ? units.map((unit, i) => (i === first ? unit : 0))
      : lengthen(u, 1 / startNorm);

  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const step = units.map(() => 0);
    for (const [i, unit] of units.entries()) {
      const cosine = Math.min(1, Math.max(-1, unit * gram.dotWith(i, u)));
      const angle = Math.acos(cosine);
      if (unit === 0 || angle < tol || angle > Math.PI - undecided) continue;
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
