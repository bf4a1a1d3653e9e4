import type { MergeMethod } from '../../methods/method';

/**
 * What the page says and asks about a method: the method without the code that merges. Written into
 * the page when it is built, so that its first load carries no kernels.
 */
export interface MethodText extends Omit<MergeMethod, 'define' | 'defineMatrix' | 'keepsBase'> {
  /** Whether it draws random masks, so that its result depends on a seed. */
  readonly drawsAtRandom: boolean;
}
