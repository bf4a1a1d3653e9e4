import { add, base, mul, named, scalar, specialist, sub } from '../expr/build';
import type { Expr } from '../expr/expr';

/** τᵢ = Wᵢ − B: what the model at hand learned (Ilharco et al. 2023, §2). */
export const taskVector: Expr<'f32'> = named('taskVector', sub(specialist, base));

/** W = B + λ·`change`, where λ is the parameter `lambda`. */
export const addToBase = (change: Expr<'f32'>): Expr<'f32'> =>
  add(base, mul(change, scalar('lambda')));
