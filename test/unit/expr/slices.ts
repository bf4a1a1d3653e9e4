import type { FloatDtype } from '../../../src/core/dtype';
import { f32ToBf16, f32ToF16 } from '../../../src/core/float-bits';
import { Random } from '../../../src/core/random';
import type { KernelValues, ModelBytes, SliceInputs } from '../../../src/expr/backend';

/** NaN, infinities, both zeros, subnormals and the ends of every dtype's range. */
export const awkwardNumbers = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1e-45,
  -1e-40,
  6e-8,
  -5.9e-8,
  1.1754943508222875e-38,
  65504,
  65519.99,
  65520,
  -65536,
  3.4028234663852886e38,
  -3.3961775e38,
  1,
  1.00390625,
  1.01171875,
  1.00048828125,
  -1.99951171875,
];

/** Little-endian bytes of `values`, rounded to `dtype`. */
export function bytesOf(values: readonly number[], dtype: FloatDtype): ModelBytes {
  const words =
    dtype === 'F32'
      ? Float32Array.from(values)
      : Uint16Array.from(values, (value) =>
          dtype === 'BF16' ? f32ToBf16(Math.fround(value)) : f32ToF16(Math.fround(value)),
        );
  return { dtype, bytes: new Uint8Array(words.buffer) };
}

/** The float32 values that `bytes` hold. */
export function floatsOf(bytes: Uint8Array): number[] {
  return [...new Float32Array(bytes.slice().buffer)];
}

export interface SliceRequest {
  readonly elementCount: number;
  readonly dtypes: readonly FloatDtype[];
  readonly hasBase?: boolean;
  readonly seed?: number;
  readonly firstElement?: number;
  /** Share of elements taken from `awkwardNumbers`. */
  readonly awkward01?: number;
}

/** Seeded weights in [-1, 1). */
export function randomSlice(request: SliceRequest): SliceInputs {
  const { elementCount, dtypes, hasBase = true, seed = 1, awkward01 = 0 } = request;
  const random = new Random(seed);
  const models = dtypes.map((dtype) =>
    bytesOf(
      Array.from({ length: elementCount }, () =>
        random.chance(awkward01) ? random.pick(awkwardNumbers) : random.next01() * 2 - 1,
      ),
      dtype,
    ),
  );
  return {
    tensorName: 'test.weight',
    tensorKey: 0x9e3779b9,
    firstElement: request.firstElement ?? 0,
    elementCount,
    base: hasBase ? models[0] : undefined,
    specialists: hasBase ? models.slice(1) : models,
  };
}

export const noValues: KernelValues = { seed: 1, scalars: {}, perModel: {} };

/** Positions that differ; a NaN equals any NaN. */
export function differences(a: Uint8Array, b: Uint8Array, dtype: FloatDtype): number[] {
  const wordsOf = (bytes: Uint8Array): Uint32Array | Uint16Array =>
    dtype === 'F32' ? new Uint32Array(bytes.slice().buffer) : new Uint16Array(bytes.slice().buffer);
  const isNaNWord = (word: number): boolean => {
    if (dtype === 'F32') return (word & 0x7fffffff) > 0x7f800000;
    return (word & 0x7fff) > (dtype === 'BF16' ? 0x7f80 : 0x7c00);
  };
  const [left, right] = [wordsOf(a), wordsOf(b)];
  const places: number[] = a.length === b.length ? [] : [-1];
  left.forEach((word, index) => {
    const other = right[index] ?? 0;
    if (word !== other && !(isNaNWord(word) && isNaNWord(other))) places.push(index);
  });
  return places;
}
