import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../../src/core/float-bits';
import { Random } from '../../../src/core/random';
import { dequantise, quantise4, quantise8 } from '../../../src/model/quantise-blocks';

function randomRows(rows: number, columns: number): Float32Array {
  const random = new Random(11);
  return Float32Array.from({ length: rows * columns }, () => (random.next01() - 0.4) * 3);
}

// Odd numbers of blocks and rows that do not fill their last block.
const shapes: readonly (readonly [number, number])[] = [
  [1, 32],
  [3, 96],
  [5, 50],
  [2, 1],
  [4, 64],
];

describe.each([
  ['8 bits', quantise8],
  ['4 bits', quantise4],
] as const)('quantising to %s', (_, quantise) => {
  it.each(shapes)('is off by at most half a step: %i rows of %i', (rows, columns) => {
    const values = randomRows(rows, columns);
    const blocks = quantise(values, rows, columns);
    const back = dequantise(blocks, rows, columns);
    const blockCount = Math.ceil(columns / 32);
    expect(blocks.scales.length).toBe(rows * blockCount);
    values.forEach((value, index) => {
      const row = Math.floor(index / columns);
      const block = Math.floor((index % columns) / 32);
      const scale = blocks.scales[row * blockCount + block] ?? NaN;
      // The product code · scale is rounded to float32 once more, hence the last term.
      expect(Math.abs((back[index] ?? NaN) - value)).toBeLessThanOrEqual(
        scale / 2 + Math.abs(value) * 2 ** -23,
      );
    });
  });

  it('keeps zero exactly, also in a block of zeros and of negative zeros', () => {
    const values = new Float32Array(96).fill(-0, 32, 64);
    values.set([0.5, 0, -0.25], 64);
    const back = dequantise(quantise(values, 1, 96), 1, 96);
    expect([...back.subarray(0, 64)].every((value) => value === 0)).toBe(true);
    expect(back[65]).toBe(0);
  });

  it('keeps subnormal blocks finite', () => {
    const values = new Float32Array(32).fill(1e-45);
    const back = dequantise(quantise(values, 1, 32), 1, 32);
    expect(back.every((value) => Number.isFinite(value) && Math.abs(value) < 1e-43)).toBe(true);
  });

  it.each([NaN, Infinity, -Infinity])('marks a block with %f by its scale, and no other', (bad) => {
    const values = randomRows(1, 96);
    values[40] = bad;
    const { scales } = quantise(values, 1, 96);
    expect([...scales].map(Number.isNaN)).toEqual([false, true, false]);
  });

  it('takes no rows', () => {
    expect(quantise(new Float32Array(0), 0, 64).codes.length).toBe(0);
  });
});

describe('scales with 4 bits', () => {
  it('are the least float16 values not below a fifteenth of the range', () => {
    const random = new Random(3);
    for (let round = 0; round < 300; round++) {
      // From far below the least float16, 2^-24, to near the greatest.
      const high = Math.fround(2 ** (random.next01() * 60 - 42));
      const [scale = NaN] = quantise4(Float32Array.of(high), 1, 1).scales;
      const bits = f32ToF16(scale);
      expect(f16ToF32(bits)).toBe(scale);
      expect(scale).toBeGreaterThanOrEqual(high / 15);
      expect(f16ToF32(bits - 1)).toBeLessThan(high / 15);
    }
  });

  it.each([
    [15 * 65504, 65504],
    [16 * 65504, NaN],
  ])('end at the greatest float16: a range of %f', (range, scale) => {
    expect([...quantise4(Float32Array.of(range), 1, 1).scales]).toEqual([scale]);
  });
});

describe('the layout of MatMulNBits', () => {
  it('centres 8-bit codes on 128', () => {
    const values = new Float32Array(32);
    values.set([127, -127, 1]);
    const { codes, scales } = quantise8(values, 1, 32);
    expect([...codes.subarray(0, 4)]).toEqual([255, 1, 129, 128]);
    expect(scales[0]).toBe(1);
  });

  it('puts the earlier of two 4-bit codes in the low half of a byte', () => {
    const values = new Float32Array(64);
    values.set([-5, 10, 0, 1]);
    values.set([-15], 32);
    const { codes, scales, zeroPoints } = quantise4(values, 1, 64);
    expect([...scales]).toEqual([1, 1]);
    expect(codes[0]).toBe(0 | (15 << 4));
    expect(codes[1]).toBe(5 | (6 << 4));
    expect(codes[16]).toBe(0 | (15 << 4));
    expect([...zeroPoints]).toEqual([5 | (15 << 4)]);
  });
});
