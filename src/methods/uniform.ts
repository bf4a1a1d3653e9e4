import { columnOf, random01 } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { MergekitRandomPass, MethodInputs } from './method';

/** A uniform number in [0, 1) for every element and model, with 24 bits. */
export interface Uniform {
  readonly passes: readonly MergekitRandomPass[];
  readonly value: Expr<'f32'>;
}

/**
 * Ours depends on seed, tensor, element and model alone, so nothing has to be read or kept in order;
 * with `random: mergekit` it is the stream of mergekit's generator instead, for equal masks.
 * @param draws for which densities mergekit draws at all; others would shift the stream
 */
export function uniform({ random }: MethodInputs, draws: (density: number) => boolean): Uniform {
  if (random === 'lab') return { passes: [], value: random01() };
  const pass: MergekitRandomPass = {
    kind: 'mergekitRandom',
    scope: 'tensor',
    name: 'uniform',
    draws: (model, { perModel }) => draws(perModel['density']?.[model] ?? 1),
  };
  return { passes: [pass], value: columnOf('uniform') };
}
