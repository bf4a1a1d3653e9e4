import { add, base, mul, named, perModel, scalar, sumOverModels } from '../expr/build';
import { mergebenchWeight as unitWeight } from './mergebench';
import type { MergeMethod, PassContext } from './method';
import { taskVector } from './task-vector';

/**
 * Layer-increasing scaling (Wang et al. 2024) of a sum of task vectors: shallow layers stay
 * near the base. As the authors' code, with α = 1/N unless given. Tensors outside the layers take α;
 * `deep_head` lets what follows the last layer take α + β, which is ours.
 */
export const lines: MergeMethod = {
  id: 'lines',
  title: 'LiNeS',
  family: 'task-vectors',
  idea: 'Scales the sum of what the specialists learned by depth, little in the first layers and more towards the last. First layers hold general features, which this protects from being forgotten.',
  formula: 'λₗ = α + β·l/(L−1),   W = B + λₗ·Σ wᵢ·τᵢ,   l = layer from 0 to L−1',
  tex: '\\lambda_l = \\alpha + \\beta \\frac{l}{L-1}, \\qquad W = B + \\lambda_l \\sum_i w_i \\tau_i',
  tryThis:
    'Raise β while α stays: the specialists’ skills come in with little loss of general ability.',
  source: {
    text: 'Wang et al. 2024, LiNeS: post-training layer scaling',
    url: 'https://arxiv.org/abs/2410.17146',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    unitWeight,
    {
      name: 'alpha',
      symbol: 'α',
      scope: 'method',
      kind: 'number',
      whenAbsent: '1 divided by the number of specialists.',
      range: { min: 0, max: 1, step: 0.05 },
      meaning: 'The scale of the first layer, and of tensors outside the layers.',
      larger: 'A larger value changes all layers more, the general ones too.',
    },
    {
      name: 'beta',
      symbol: 'β',
      scope: 'method',
      kind: 'number',
      default: 0.5,
      range: { min: 0, max: 1, step: 0.05 },
      meaning: 'How much is added to the scale on the way to the last layer.',
      larger:
        'A larger value brings out more of the specialists in deep layers; 0 scales all alike.',
    },
    {
      name: 'deep_head',
      symbol: 'deep_head',
      scope: 'method',
      kind: 'switch',
      default: false,
      meaning: 'Scales the final norm and an untied output head like the last layer.',
      larger: 'On: they take α + β. Off: they take α, as in the authors’ code.',
    },
  ],

  define: ({ deep_head: deepHead }) => ({
    passes: [
      {
        kind: 'reduce',
        scope: 'tensor',
        reductions: {},
        then: (_, context) => ({ scalars: { depthScale: scaleOf(context, deepHead === true) } }),
      },
    ],
    output: add(
      base,
      mul(named('sum', sumOverModels(mul(perModel('weight'), taskVector))), scalar('depthScale')),
    ),
  }),
};

function scaleOf(
  { scalars, specialistCount, layer, role }: PassContext,
  deepHead: boolean,
): number {
  const { alpha = 1 / specialistCount, beta = 0 } = scalars;
  if (layer === undefined) return deepHead && role !== 'embedding' ? alpha + beta : alpha;
  // A single layer counts as the last, as in mergekit's gradients.
  const depth01 = layer.count > 1 ? layer.index / (layer.count - 1) : 1;
  return alpha + beta * depth01;
}
