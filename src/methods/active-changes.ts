import { abs, gt, mul, named, scalar, sumOverModels, toF32 } from '../expr/build';
import type { NumberParameter } from './method';
import { taskVector } from './task-vector';

export const activityBound: NumberParameter = {
  name: 'epsilon',
  symbol: 'ε',
  scope: 'method',
  kind: 'number',
  default: 1e-5,
  range: { min: 0, max: 0.001, step: 0.00001 },
  meaning: 'A change counts as active when it is larger than this.',
  larger: 'A larger value ignores more of the small changes.',
};

/** 1 where the model at hand changed the weight by more than ε; 0 for NaN. */
export const isActive = named('isActive', toF32(gt(abs(taskVector), scalar('epsilon'))));

/** How many models changed the weight. */
export const activeCount = named('activeCount', sumOverModels(isActive));

/** The task vector where it is active, else 0. */
export const activeChange = named('activeChange', mul(taskVector, isActive));
