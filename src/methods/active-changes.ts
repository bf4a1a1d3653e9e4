import {
  abs,
  and,
  div,
  eq,
  f32,
  gt,
  max,
  mul,
  named,
  scalar,
  sumOverModels,
  toF32,
} from '../expr/build';
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

const isActiveNumber = named('isActive', toF32(gt(abs(taskVector), scalar('epsilon'))));
/** How many models changed the weight; at most one model is alone, several share. */
const activeCount = named('activeCount', sumOverModels(isActiveNumber));
const active = named('activeChange', mul(taskVector, isActiveNumber));

/** Whether the model at hand, and no other, changed the weight by more than ε. */
export const isLone = and(eq(isActiveNumber, f32(1)), eq(activeCount, f32(1)));
/** Whether the model at hand and another one changed the weight by more than ε. */
export const isShared = and(eq(isActiveNumber, f32(1)), gt(activeCount, f32(1)));

/** The change of the model at hand where it is alone, else 0. */
export const loneChange = named('loneChange', mul(active, toF32(eq(activeCount, f32(1)))));

/** Its part of the average of those that changed the weight where they are several, else 0. */
export const sharedChange = named(
  'sharedChange',
  div(mul(active, toF32(gt(activeCount, f32(1)))), max(activeCount, f32(1))),
);
