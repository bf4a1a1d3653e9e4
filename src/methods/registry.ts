import { LabError } from '../core/errors';
import { dareLinear } from './dare-linear';
import { linear } from './linear';
import type { MergeMethod } from './method';
import { taskArithmetic } from './task-arithmetic';
import { ties } from './ties';

/** In the order of the page's picker. */
export const methods: readonly MergeMethod[] = [linear, taskArithmetic, ties, dareLinear];

/** @throws LabError `recipe/unknown-method` that lists the methods there are */
export function findMethod(id: string): MergeMethod {
  const method = methods.find((candidate) => candidate.id === id);
  if (method !== undefined) return method;
  const known = methods.map((candidate) => candidate.id).join(', ');
  throw new LabError(
    'recipe/unknown-method',
    `There is no merging method called "${id}". Choose one of: ${known}.`,
    { details: { method: id } },
  );
}
