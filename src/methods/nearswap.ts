import {
  abs,
  add,
  base,
  div,
  f32,
  max,
  min,
  mul,
  named,
  scalar,
  specialistAt,
  sub,
} from '../expr/build';
import type { MergeMethod } from './method';

/**
 * Moves every weight of the base by at most t towards the other model (alchemonaut 2024); as mergekit
 * 0.1.4, operation by operation.
 */
export const nearswap: MergeMethod = {
  id: 'nearswap',
  title: 'NearSwap',
  family: 'task-vectors',
  idea: 'Takes over the other model’s weight where it is within t of the base’s, and moves by only t where it is further away. So a great many small differences go in, and no large one does.',
  formula: 'd = |B − W₁|,   p = clamp(t / max(d, 10⁻⁶), 0, 1),   W = p·W₁ + (1−p)·B',
  tex: 'W = p\\, W_1 + (1-p)\\, B, \\qquad p = \\min\\Bigl(1, \\frac{t}{\\max(|B - W_1|, 10^{-6})}\\Bigr)',
  tryThis:
    'Begin with a small t such as 0.0001 and multiply it by ten until the base’s skills suffer.',
  source: {
    text: 'alchemonaut 2024, QuartetAnemoi-70B, model card; mergekit 0.1.4',
    url: 'https://huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001',
  },
  base: 'required',
  specialistCount: { min: 1, max: 1 },
  parameters: [
    {
      name: 't',
      symbol: 't',
      scope: 'method',
      kind: 'number',
      range: { min: 0, max: 0.01, step: 0.0001 },
      meaning: 'How far a weight may move from the base.',
      larger: 'A larger value takes over more of the other model; 0 leaves the base.',
    },
  ],

  define: () => {
    const other = specialistAt(0);
    const gap = named('gap', abs(sub(base, other)));
    // PyTorch divides a number by a tensor in this way.
    const wanted = mul(div(f32(1), max(gap, f32(1e-6))), scalar('t'));
    const share = named('share', min(max(wanted, f32(0)), f32(1)));
    return { passes: [], output: add(mul(share, other), mul(sub(f32(1), share), base)) };
  },
};
