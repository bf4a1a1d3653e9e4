import type { FloatDtype } from '../core/dtype';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../core/float-bits';
import type { LowRankProduct } from './lora-adapter';

/** A product that is to be added to a matrix as it is stored: left [rows, rank] · right [rank, columns]. */
export interface LowRankFactors {
  readonly left: Float32Array;
  readonly right: Float32Array;
  readonly rank: number;
  readonly columnCount: number;
  readonly scale: number;
  /** The product is rounded to it before it is added; PEFT does so for embeddings only. */
  readonly productDtype?: FloatDtype | undefined;
}

/**
 * B and A as the factors of what is stored: (B · A)ᵀ = Aᵀ · Bᵀ where that is transposed.
 * @param down [rank, in]
 * @param up [out, rank]
 */
export function lowRankFactors(
  down: Float32Array,
  up: Float32Array,
  { rank, scale }: LowRankProduct,
  isTransposed: boolean,
): LowRankFactors {
  const [inCount, outCount] = [down.length / rank, up.length / rank];
  return isTransposed
    ? {
        left: transposed(down, rank, inCount),
        right: transposed(up, outCount, rank),
        rank,
        columnCount: outCount,
        scale,
      }
    : { left: up, right: down, rank, columnCount: inCount, scale };
}

const roundings: Readonly<Record<FloatDtype, (value: number) => number>> = {
  F32: (value) => value,
  BF16: (value) => bf16ToF32(f32ToBf16(value)),
  F16: (value) => f16ToF32(f32ToF16(value)),
};

/** Adds elements `first` … of scale · left · right to `values`, row by row. */
export function addLowRank(
  values: Float32Array,
  first: number,
  { left, right, rank, columnCount, scale, productDtype }: LowRankFactors,
): void {
  const factor = Math.fround(scale);
  const stored = roundings[productDtype ?? 'F32'];
  const sums = new Float64Array(columnCount);
  let position = 0;
  while (position < values.length) {
    const row = Math.floor((first + position) / columnCount);
    const begin = first + position - row * columnCount;
    const end = Math.min(columnCount, begin + values.length - position);
    sums.fill(0, 0, end - begin);
    for (let k = 0; k < rank; k++) {
      const weight = left[row * rank + k] ?? 0;
      const terms = right.subarray(k * columnCount + begin, k * columnCount + end);
      for (let index = 0; index < terms.length; index++) {
        sums[index] = (sums[index] as number) + weight * (terms[index] as number);
      }
    }
    for (let column = begin; column < end; column++, position++) {
      const product = Math.fround(Math.fround(sums[column - begin] ?? 0) * factor);
      values[position] = (values[position] ?? 0) + stored(product);
    }
  }
}

function transposed(values: Float32Array, rowCount: number, columnCount: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rowCount; row++) {
    for (let column = 0; column < columnCount; column++) {
      turned[column * rowCount + row] = values[row * columnCount + column] ?? 0;
    }
  }
  return turned;
}
