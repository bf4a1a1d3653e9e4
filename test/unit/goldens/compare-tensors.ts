import { decodeFloats } from '../../../src/expr/decode';
import type { GoldenTensor } from './golden-merges';

/** How far a merge lies from its golden, over all tensors together. */
export interface Difference {
  readonly elementCount: number;
  readonly differingCount: number;
  /** In units of the last place of the output's dtype; infinite where only one is NaN. */
  readonly largestUlps: number;
  /** Largest |difference| over the largest finite magnitude of its tensor. */
  readonly largestRelative: number;
  /** The tensor with the largest difference. */
  readonly worst: string;
}

/** Compares tensors of the same names and shapes; NaN equals NaN, and -0 equals +0. */
export function compareTensors(
  found: ReadonlyMap<string, GoldenTensor>,
  wanted: ReadonlyMap<string, GoldenTensor>,
): Difference {
  let elementCount = 0;
  let differingCount = 0;
  let largestUlps = 0;
  let largestRelative = 0;
  let worst = '';
  for (const [name, golden] of wanted) {
    const own = found.get(name);
    if (own === undefined) throw new Error(`the merge lacks ${name}`);
    if (own.shape.join() !== golden.shape.join()) {
      throw new Error(`${name} is [${own.shape.join()}], not [${golden.shape.join()}]`);
    }
    const [ours, theirs] = [floatsOf(own), floatsOf(golden)];
    const [ourRanks, theirRanks] = [ulpRanks(own), ulpRanks(golden)];
    const scale = theirs.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      0,
    );
    elementCount += theirs.length;
    theirs.forEach((value, i) => {
      const mine = ours[i] ?? NaN;
      if (mine === value || (Number.isNaN(mine) && Number.isNaN(value))) return;
      differingCount++;
      const isComparable = !Number.isNaN(mine) && !Number.isNaN(value);
      const ulps = isComparable ? Math.abs((ourRanks[i] ?? 0) - (theirRanks[i] ?? 0)) : Infinity;
      if (ulps > largestUlps) worst = `${name}[${i}]: ${mine}, not ${value}`;
      largestUlps = Math.max(largestUlps, ulps);
      const apart = Math.abs(mine - value) / scale;
      largestRelative = Math.max(largestRelative, Number.isNaN(apart) ? Infinity : apart);
    });
  }
  return { elementCount, differingCount, largestUlps, largestRelative, worst };
}

function floatsOf(tensor: GoldenTensor): Float64Array {
  const width = tensor.dtype === 'F32' ? 4 : 2;
  const floats = new Float64Array(tensor.bytes.byteLength / width);
  decodeFloats(tensor, 0, floats);
  return floats;
}

/** Integers in the order of the floats: neighbours differ by one, both zeros are 0. */
function ulpRanks({ dtype, bytes }: GoldenTensor): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = dtype === 'F32' ? 4 : 2;
  const signBit = dtype === 'F32' ? 2 ** 31 : 2 ** 15;
  return Float64Array.from({ length: bytes.byteLength / width }, (_, i) => {
    const bits = width === 4 ? view.getUint32(4 * i, true) : view.getUint16(2 * i, true);
    return bits >= signBit ? signBit - bits : bits;
  });
}
