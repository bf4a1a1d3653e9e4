import { column, eq, modelIndex, select, specialistAt, u32 } from '../expr/build';
import { combination, combineModels, modelVectors } from './combine-models';
import { GramMatrix, pairProducts } from './gram-matrix';
import type { MergeMethod, MethodDefinition, MethodInputs, MethodNumbers } from './method';
import { weight } from './parameters';

const smallestNorm = 1e-7;
const smallestSine = 1e-8;

/**
 * SLERP of two models by their weights, or of their task vectors when there is a base; as mergekit
 * 0.1.4. Angles are float64: exactly opposite vectors are mixed linearly, as in mergekit 0.1.5, where
 * 0.1.4 divides by a rounding error. A single model is copied.
 */
export const nuslerp: MergeMethod = {
  id: 'nuslerp',
  title: 'NuSLERP',
  family: 'geometric',
  idea: 'Mixes two models along the arc between them. With a base it does so for what each of them learned, and it can take a whole tensor, every row or every column as one direction.',
  formula:
    't = w₂/(w₁+w₂),   Xᵢ = Wᵢ − B,   θ = ∠(X₁, X₂),   W = B + (sin((1−t)·θ)·X₁ + sin(t·θ)·X₂)/sin θ   (without a base: B = 0)',
  tex: 'W = B + \\frac{\\sin((1-t)\\theta)\\, X_1 + \\sin(t\\theta)\\, X_2}{\\sin\\theta}, \\quad X_i = W_i - B, \\quad \\theta = \\angle(X_1, X_2), \\quad t = \\frac{w_2}{w_1 + w_2}',
  tryThis: 'Compare the merge with and without a base, then take rows one by one (flatten off).',
  source: {
    text: 'mergekit 0.1.4, NuSLERP; after Shoemake 1985',
    url: 'https://github.com/arcee-ai/mergekit/blob/main/docs/merge_methods.md',
  },
  base: 'optional',
  specialistCount: { min: 1, max: 2 },
  parameters: [
    weight,
    {
      name: 'nuslerp_flatten',
      symbol: 'flatten',
      scope: 'method',
      kind: 'switch',
      default: true,
      meaning: 'Takes a whole tensor as one direction.',
      larger: 'On: one angle for a tensor. Off: an angle of its own for every row or column.',
    },
    {
      name: 'nuslerp_row_wise',
      symbol: 'row_wise',
      scope: 'method',
      kind: 'switch',
      default: false,
      meaning: 'Takes the columns of stored matrices as directions, in spite of mergekit’s name.',
      larger:
        'On: an angle for every column. Off: an angle for every row. Unused while flatten is on.',
    },
  ],

  define: ({ nuslerp_flatten: flatten, nuslerp_row_wise: rowWise }, inputs) => {
    if (inputs.specialistCount === 1) return { passes: [], output: specialistAt(0) };
    if (flatten === true) return combineModels(inputs, factors);
    return vectorWise(rowWise === true ? 'first' : 'last', inputs);
  },
};

function vectorWise(axis: 'first' | 'last', inputs: MethodInputs): MethodDefinition {
  return {
    passes: [
      {
        kind: 'vectors',
        scope: 'tensor',
        axis,
        sums: pairProducts(modelVectors(inputs)),
        then: (sums, numbers) => {
          const [first, second] = factors(new GramMatrix(2, sums), numbers);
          return { first, second };
        },
      },
    ],
    output: combination(select(eq(modelIndex, u32(0)), column('first'), column('second')), inputs),
  };
}

function factors(gram: GramMatrix, { perModel }: MethodNumbers): [number, number] {
  const [first = 1, second = 1] = perModel['weight'] ?? [];
  const total = first + second;
  const t = Math.abs(total) < 1e-6 ? 0.5 : second / total;

  const [a = 0, b = 0] = gram.norms().map((norm) => Math.max(norm, smallestNorm));
  const angle = Math.acos(Math.min(1, Math.max(-1, gram.dot(0, 1) / (a * b))));
  const sine = Math.sin(angle);
  if (Math.abs(sine) < smallestSine) return [1 - t, t];
  return [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}
