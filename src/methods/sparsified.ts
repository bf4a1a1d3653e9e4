import { abs, mul, named, perModel, toF32 } from '../expr/build';
import type { Expr } from '../expr/expr';
import { l1Rescale } from './l1-rescale';
import type { MethodOptions, Pass } from './method';
import { taskVector } from './task-vector';

/** Task vectors of which a part may be set to zero. */
export interface Sparsified {
  /** What has to be known before. */
  readonly passes: readonly Pass[];
  /** What is left of the task vector of the model at hand. */
  readonly delta: Expr<'f32'>;
}

/** All of it. */
export const wholeTaskVectors: Sparsified = { passes: [], delta: taskVector };

/**
 * mᵢ·τᵢ, or rᵢ·mᵢ·τᵢ with the option `rescale`, as mergekit 0.1.4 rescales: the L1 norm of the tensor
 * is what it was before. The papers of DARE and DELLA divide by the probability of being kept instead.
 * @param passes what `isKept` needs
 */
export function sparsified(
  isKept: Expr<'bool'>,
  passes: readonly Pass[],
  { rescale }: MethodOptions,
): Sparsified {
  const mask = toF32(isKept);
  const trimmed = named('trimmed', mul(taskVector, mask));
  if (rescale !== true) return { passes, delta: trimmed };
  const magnitude = abs(taskVector);
  return {
    passes: [...passes, l1Rescale(magnitude, mul(magnitude, mask))],
    delta: mul(trimmed, perModel('rescale')),
  };
}
