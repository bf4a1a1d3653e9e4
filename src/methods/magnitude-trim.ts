import { isTop } from '../expr/build';
import { keptCount } from './kept-count';
import type { MethodOptions } from './method';
import type { Sparsified } from './sparsified';
import { sparsified } from './sparsified';
import { taskVector } from './task-vector';

/**
 * The trunc(dᵢ·n) elements of largest |τᵢ|, of a tensor or with `granularity: global` of the whole
 * model: the trim of TIES (Yadav et al. 2023, Algorithm 1, step 1). The paper trims the whole model,
 * mergekit each tensor. Among equal magnitudes the lower index is kept; mergekit 0.1.4 leaves that to
 * an unstable sort.
 * @throws LabError `recipe/bad-value` when nothing would be kept, as in mergekit 0.1.4 (0.1.5 keeps one)
 */
export function magnitudeTrim(options: MethodOptions): Sparsified {
  return sparsified(
    isTop('trim', taskVector),
    [
      {
        kind: 'top',
        scope: options['granularity'] === 'global' ? 'model' : 'tensor',
        name: 'trim',
        of: taskVector,
        ties: 'lowerIndexFirst',
        keep: (model, context) => keptCount('density', model, context),
      },
    ],
    options,
  );
}
