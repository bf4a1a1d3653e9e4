import { scalar } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { Pass } from './method';
import { quantile, quantilePass } from './quantile';

/** The quartiles of a tensor's magnitudes, and how to find them. */
export interface Quartiles {
  readonly passes: readonly Pass[];
  readonly lower: Expr<'f32'>;
  readonly median: Expr<'f32'>;
  readonly upper: Expr<'f32'>;
}

/** Each the element at the place share·(n − 1), cut to a whole number, among all n. */
export function exactQuartiles(of: Expr<'f32'>): Quartiles {
  const pass = (name: string, share: number): Pass =>
    quantilePass(name, 'tensor', of, ({ elementCount }) => share * (elementCount - 1));
  return {
    passes: [pass('lower', 0.25), pass('median', 0.5), pass('upper', 0.75)],
    lower: quantile('lower'),
    median: quantile('median'),
    upper: quantile('upper'),
  };
}

/** mergekit 0.1.4 takes a million elements of larger tensors, once for the median, then for both others. */
export function sampledQuartiles(of: Expr<'f32'>): Quartiles {
  const draws = [{ median: 0.5 }, { lower: 0.25, upper: 0.75 }];
  return {
    passes: [{ kind: 'mergekitSample', scope: 'tensor', of, sampleCount: 1_000_000, draws }],
    lower: scalar('lower'),
    median: scalar('median'),
    upper: scalar('upper'),
  };
}
