import {
  add,
  base,
  column,
  f32,
  mul,
  named,
  scalar,
  specialist,
  sub,
  sumOverModels,
} from '../expr/build';
import type { Expr } from '../expr/expr';
import { gramPass, modelVectors } from './combine-models';
import { GramMatrix, pairProducts } from './gram-matrix';
import type { MergeMethod } from './method';

/** mergekit's floor for a product of norms: it damps tensors that hardly changed. */
const smallestNormProduct = 1e-6;
/** Below it the closed form has no answer and the base stays, as in mergekit 0.1.5. */
const smallestDivisor = 1e-6;

/**
 * Model Stock (Jang et al. 2024, the ratio for any number of models): the base pulls the average back
 * by as much as the task vectors disagree; as mergekit 0.1.4. t is not limited: task vectors that
 * point away from each other give a negative t. Where 1 + (N−1)·c is nearly 0, mergekit 0.1.4 yields
 * infinities; we keep the base.
 */
export const modelStock: MergeMethod = {
  id: 'model_stock',
  title: 'Model Stock',
  family: 'geometric',
  idea: 'Guesses from the angles between the specialists where the centre of all possible fine-tunings lies, and moves their average towards the base accordingly. The less the specialists agree, the nearer it stays to the base.',
  formula: 'c = mean cos(τᵢ, τⱼ),   t = N·c / (1 + (N−1)·c),   W = t·(1/N)·Σ Wᵢ + (1−t)·B',
  tex: 't = \\frac{N c}{1 + (N-1)\\, c}, \\quad c = \\operatorname{mean}_{i<j} \\cos(\\tau_i, \\tau_j), \\qquad W = t \\cdot \\frac{1}{N} \\sum_i W_i + (1-t)\\, B',
  tryThis:
    'There is nothing to tune: add or remove a specialist and see how far the merge leaves the base.',
  source: {
    text: 'Jang et al. 2024, Model Stock: all we need is just a few fine-tuned models',
    url: 'https://arxiv.org/abs/2403.19522',
  },
  base: 'required',
  specialistCount: { min: 2, max: 12 },
  parameters: [
    {
      name: 'filter_wise',
      symbol: 'filter_wise',
      scope: 'method',
      kind: 'switch',
      default: false,
      meaning: 'Measures the angles in every row of a matrix alone.',
      larger: 'On: every row has a ratio t of its own. Off: one ratio for a whole tensor.',
    },
  ],
  isAverage: true,

  define: ({ filter_wise: filterWise }, inputs) => {
    const vectors = modelVectors({ ...inputs, hasBase: true });
    const share = f32(1 / inputs.specialistCount);
    const average = named('average', mul(sumOverModels(specialist), share));
    const mix = (t: Expr<'f32'>): Expr<'f32'> => add(mul(t, average), mul(sub(f32(1), t), base));
    if (filterWise !== true) {
      const pass = gramPass(vectors, (gram) => ({ scalars: { ratio: ratioOf(gram) } }));
      return { passes: [pass], output: mix(scalar('ratio')) };
    }
    const then = (sums: Readonly<Record<string, number>>): Record<string, number> => ({
      ratio: ratioOf(new GramMatrix(vectors.length, sums)),
    });
    return {
      passes: [
        { kind: 'vectors', scope: 'tensor', axis: 'last', sums: pairProducts(vectors), then },
      ],
      output: mix(column('ratio')),
    };
  },
};

function ratioOf(gram: GramMatrix): number {
  const count = gram.size;
  const norms = gram.norms();
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const product = Math.max((norms[i] ?? 0) * (norms[j] ?? 0), smallestNormProduct);
      sum += Math.min(1, Math.max(-1, gram.dot(i, j) / product));
    }
  }
  const cosine = sum / ((count * (count - 1)) / 2);
  const divisor = 1 + (count - 1) * cosine;
  return Math.abs(divisor) < smallestDivisor ? 0 : (count * cosine) / divisor;
}
