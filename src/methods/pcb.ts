import { LabError } from '../core/errors';
import {
  abs,
  bits,
  div,
  f32,
  gt,
  max,
  min,
  mul,
  named,
  perModel,
  perModelU32,
  select,
  sign,
  sub,
  sumOverModels,
} from '../expr/build';
import { exp, tanh } from '../expr/functions';
import type { MergeMethod, PassContext } from './method';
import { fromOrderKey, orderKey } from './order-key';
import { lambda } from './parameters';
import { quantile, quantilePass } from './quantile';
import { addToBase, taskVector } from './task-vector';

/** The authors flatten this share of the magnitudes at either end. */
const outlierShare = 1e-4;

/**
 * Parameter competition balancing (Du et al. 2024), over the whole model at once. As the
 * authors' code, which differs from the paper's formulas: exp and tanh instead of softmax, and
 * weights that fall to 0 at the cut. A specialist without any change takes no part; their code
 * divides by zero there.
 */
export const pcb: MergeMethod = {
  id: 'pcb',
  title: 'PCB-Merging',
  family: 'sparsified',
  idea: 'Lets the specialists compete for every weight: a change counts for more the larger it is and the better it agrees with what all specialists want together. Only the best share of each specialist’s changes is kept and averaged by these scores.',
  formula:
    'sᵢ = exp(N·norm(|τᵢ|)²)·tanh(τᵢ·Σ τⱼ),   cᵢ = the cut that leaves the share r,   vᵢ = max(0, sᵢ − cᵢ)/(max sᵢ − cᵢ),   W = B + λ·Σ vᵢ·τᵢ / Σ vᵢ',
  tex: 's_i = e^{N \\mathrm{norm}(|\\tau_i|)^2} \\tanh\\bigl(\\tau_i \\textstyle\\sum_j \\tau_j\\bigr), \\quad v_i = \\frac{\\max(0, s_i - c_i)}{\\max s_i - c_i}, \\quad W = B + \\lambda \\frac{\\sum_i v_i \\tau_i}{\\sum_i v_i}',
  tryThis: 'Begin with r = 0.1 and raise λ above 1; then see what a larger r adds.',
  source: {
    text: 'Du et al. 2024, Parameter competition balancing for model merging, and its code',
    url: 'https://arxiv.org/abs/2410.02396',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [
    {
      name: 'pcb_ratio',
      symbol: 'r',
      scope: 'method',
      kind: 'number',
      default: 0.1,
      range: { min: 0.05, max: 1, step: 0.05 },
      meaning: 'The share of each specialist’s changes that is kept.',
      larger: 'A larger value keeps more changes, among them less important and conflicting ones.',
    },
    lambda,
  ],
  isAverage: true,

  define: (_, { specialistCount }) => {
    const size = abs(taskVector);
    const limited = named('limited', min(max(size, quantile('lowest')), quantile('highest')));
    const range = sub(quantile('highest'), quantile('lowest'));
    const aboveLowest = div(sub(limited, quantile('lowest')), range);
    const norm = named('norm', select(gt(range, f32(0)), aboveLowest, f32(0)));
    const alone = exp(mul(f32(specialistCount), mul(norm, norm)));
    const together = tanh(mul(taskVector, named('sum', sumOverModels(taskVector))));
    const score = named('score', mul(alone, together));
    const key = orderKey(score);

    const cut = named('cut', fromOrderKey(perModelU32('cut.bits')));
    const share = div(sub(score, cut), sub(perModel('best'), cut));
    const kept = named('kept', select(gt(bits(key), perModelU32('cut.bits')), share, f32(0)));
    const total = sumOverModels(mul(kept, mul(sign(taskVector), limited)));
    const divisor = max(sumOverModels(kept), f32(1e-12));
    return {
      passes: [
        quantilePass('lowest', 'model', size, ({ elementCount }) => elementCount * outlierShare),
        quantilePass(
          'highest',
          'model',
          size,
          ({ elementCount }) => elementCount * (1 - outlierShare) - 1,
        ),
        {
          kind: 'reduce',
          scope: 'model',
          reductions: { best: { kind: 'max', of: score, perModel: true } },
          then: ({ best = [] }) => ({ perModel: { best } }),
        },
        quantilePass('cut', 'model', key, cutIndex),
      ],
      output: addToBase(div(total, divisor)),
    };
  },
};

function cutIndex({
  scalars: { pcb_ratio: ratio = 1 },
  elementCount,
  subject,
}: PassContext): number {
  if (ratio > 0 && ratio <= 1) return elementCount * (1 - ratio);
  throw new LabError(
    'recipe/bad-value',
    `pcb_ratio is ${ratio} for ${subject}. Give a share above 0 and up to 1.`,
    { details: { parameter: 'pcb_ratio', value: ratio, subject } },
  );
}
