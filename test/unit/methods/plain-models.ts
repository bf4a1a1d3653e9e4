import { Random } from '../../../src/core/random';
import type { TensorRole } from '../../../src/methods/method';
import type { SmallTensor } from './merge-small';
import { smallTensor } from './merge-small';
import type { Plain } from './plain-sparsified';

/** `smooth`: no two magnitudes are equal. `coarse`: multiples of 1/8, so that most are, many zero. */
export type Grain = 'smooth' | 'coarse';

export const rowLength = 9;
const modelCount = 3;

/** A base and three specialists; nearly a third of the changes are none. */
export function plainModels(grain: Grain, seed: number, rowCount: number): Plain {
  const random = new Random(seed);
  const value = (): number =>
    grain === 'coarse' ? random.integer(-5, 5) / 8 : Math.fround(random.next01() * 2 - 1);
  const values = (): number[] => Array.from({ length: rowCount * rowLength }, value);
  const base = values();
  const change = (origin: number): number =>
    random.chance(0.3) ? origin : Math.fround(origin + value());
  const models = Array.from({ length: modelCount }, () => base.map(change));
  return { base, models, rowLength };
}

/** The same as a matrix that the methods merge. */
export function tensorOf(
  plain: Plain,
  name = 'layer.weight',
  role: TensorRole = 'matrix',
): SmallTensor {
  const shape = [plain.base.length / rowLength, rowLength];
  return { ...smallTensor(plain.base, plain.models, 'F32', name), shape, role };
}
