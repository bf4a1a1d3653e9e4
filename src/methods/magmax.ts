import { abs, base, fold, ge, named, select, specialistAt, sub } from '../expr/build';
import type { MergeMethod } from './method';
import { lambda } from './parameters';
import { addToBase, taskVector } from './task-vector';

/**
 * For each weight the change of largest magnitude (Marczak et al. 2024); a later model wins a tie
 * and the scale is 0.5 unless given, as in FusionBench.
 */
export const magmax: MergeMethod = {
  id: 'magmax',
  title: 'MagMax',
  family: 'sparsified',
  idea: 'Gives every weight to the specialist that changed it most and forgets the others’ changes there. Nothing is averaged, so no change is watered down.',
  formula: 'τ = the τᵢ with the largest |τᵢ|, weight by weight,   W = B + λ·τ',
  tex: 'W = B + \\lambda\\, \\tau_{i^*}, \\qquad i^* = \\arg\\max_i |\\tau_i| \\text{ for each weight}',
  tryThis:
    'Compare λ of 0.5 and 1, then look at whether the specialist that was tuned hardest wins everywhere.',
  source: {
    text: 'Marczak et al. 2024, MagMax: leveraging model merging for seamless continual learning',
    url: 'https://arxiv.org/abs/2407.06322',
  },
  base: 'required',
  specialistCount: { min: 1, max: 12 },
  parameters: [{ ...lambda, default: 0.5 }],

  define: () => {
    const first = sub(specialistAt(0), base);
    const largest = fold(first, (soFar) =>
      select(ge(abs(taskVector), abs(soFar)), taskVector, soFar),
    );
    return { passes: [], output: addToBase(named('largest', largest)) };
  },
};
