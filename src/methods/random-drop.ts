import { lt, named, perModel } from '../expr/build';
import type { MethodInputs, MethodOptions } from './method';
import type { Sparsified } from './sparsified';
import { sparsified } from './sparsified';
import { uniform } from './uniform';

/**
 * mᵢ ~ Bernoulli(dᵢ) for every element: the drop of DARE (Yu et al. 2024, eq. 3; its drop rate p is
 * 1 − dᵢ). A density of 1 drops nothing and, in mergekit, draws nothing.
 */
export function randomDrop(options: MethodOptions, inputs: MethodInputs): Sparsified {
  const { passes, value } = uniform(inputs, (density) => density < 1);
  return sparsified(named('isKept', lt(value, perModel('density'))), passes, options);
}
