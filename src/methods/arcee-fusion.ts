import {
  abs,
  add,
  base,
  column,
  f32,
  ge,
  mul,
  named,
  specialistAt,
  sub,
  toF32,
} from '../expr/build';
import type { MergeMethod } from './method';
import { exactQuartiles, sampledQuartiles } from './quartiles';

/** Added to every probability before the logarithm. */
const epsilon = 1e-8;

/**
 * Takes over the other model's weights where both the change and the row it lies in are outstanding
 * (Arcee 2025); as mergekit 0.1.4, except for three things. The divergence of a row is computed in
 * float64: in float32 it is mostly rounding error for models as close as fine-tunes are. Quantiles
 * are those of the whole tensor where mergekit draws a million elements at random, unless its
 * random numbers are asked for. The result is rounded to the merge's dtype where mergekit always
 * writes float32.
 */
export const arceeFusion: MergeMethod = {
  id: 'arcee_fusion',
  title: 'Arcee Fusion',
  family: 'sparsified',
  idea: 'Scores every weight by how much it changed, times how much its whole row changed as a probability distribution. Only weights whose score stands out are taken over from the other model; the rest stays the base.',
  formula:
    's = |W₁ − B|·KL(softmax(row of W₁) ‖ softmax(row of B)),   θ = median(s) + 1.5·(Q₃(s) − Q₁(s)),   W = B + [s ≥ θ]·(W₁ − B)',
  tex: 's = |W_1 - B| \\cdot \\mathrm{KL}\\bigl(\\mathrm{softmax}(W_1) \\,\\Vert\\, \\mathrm{softmax}(B)\\bigr)_{\\text{row}}, \\quad \\theta = \\mathrm{median}(s) + 1.5\\,(Q_3 - Q_1), \\quad W = B + [s \\ge \\theta](W_1 - B)',
  tryThis:
    'There is nothing to tune: exchange base and other model and see which of the two should receive.',
  source: { text: 'Arcee 2025, Arcee Fusion; mergekit 0.1.4', url: 'https://www.arcee.ai' },
  base: 'required',
  specialistCount: { min: 1, max: 1 },
  parameters: [],

  define: (_, { random }) => {
    const other = specialistAt(0);
    const change = named('change', sub(other, base));
    const score = named('score', mul(abs(change), column('divergence')));
    const { passes, lower, median, upper } =
      random === 'mergekit' ? sampledQuartiles(score) : exactQuartiles(score);
    const threshold = named('threshold', add(median, mul(f32(1.5), sub(upper, lower))));
    return {
      passes: [
        {
          kind: 'rows',
          scope: 'tensor',
          values: { base, other },
          measure: ({ base: before = empty, other: after = empty }) => ({
            divergence: divergenceOf(after, before),
          }),
        },
        ...passes,
      ],
      output: add(base, mul(change, toF32(ge(score, threshold)))),
    };
  },
};

const empty = new Float32Array();

/** KL divergence between the softmax of two rows, in nats; not below 0. */
function divergenceOf(after: Float32Array, before: Float32Array): number {
  const p = powersOf(after);
  const q = powersOf(before);
  let sum = 0;
  for (let i = 0; i < after.length; i++) {
    const probability = (p.powers[i] ?? NaN) / p.total + epsilon;
    const other = (q.powers[i] ?? NaN) / q.total + epsilon;
    sum += probability * Math.log(probability / other);
  }
  return Math.max(0, sum);
}

/** e to the distance from the largest of a row, and their sum: a softmax but for the division. */
function powersOf(row: Float32Array): { powers: Float64Array; total: number } {
  // Loops: with callbacks of typed arrays this is the slowest of all methods by far.
  let largest = -Infinity;
  for (let i = 0; i < row.length; i++) largest = Math.max(largest, row[i] ?? NaN);
  const powers = new Float64Array(row.length);
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    const power = Math.exp((row[i] ?? NaN) - largest);
    powers[i] = power;
    total += power;
  }
  return { powers, total };
}
