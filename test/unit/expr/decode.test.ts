import { describe, expect, it } from 'vitest';
import { f32FromBits, f32ToBf16 } from '../../../src/core/float-bits';
import { Random } from '../../../src/core/random';
import { decodeFloats, encodeFloats } from '../../../src/expr/decode';

/** Zeros, subnormals, ties, the edge of overflow, infinities and NaN, of both signs; then any bits. */
const special = [
  0, 1, 0x007fffff, 0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001, 0x7f7f7fff, 0x7f7f8000,
  0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff,
].flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]);

describe('encodeFloats', () => {
  it('rounds to bf16 as f32ToBf16 does, at any place and alignment', () => {
    const random = Random.named(3, 'bf16');
    const bits = [
      ...special,
      ...Array.from({ length: 5000 }, () => Math.floor(random.next01() * 2 ** 32)),
    ];
    const values = Float32Array.from(bits, f32FromBits);
    const out = new Uint8Array(2 * values.length + 7).subarray(1);
    encodeFloats(values, 'BF16', out, 2);
    const view = new DataView(out.buffer, out.byteOffset);
    values.forEach((value, index) => {
      expect([bits[index], view.getUint16(4 + 2 * index, true)]).toEqual([
        bits[index],
        f32ToBf16(value),
      ]);
    });
    expect(view.getUint16(0, true)).toBe(0);
    const again = new Float32Array(values.length);
    decodeFloats({ dtype: 'BF16', bytes: out }, 2, again);
    const roundTrip = new Uint8Array(2 * values.length);
    encodeFloats(again, 'BF16', roundTrip, 0);
    expect(Buffer.compare(roundTrip, out.subarray(4, 4 + roundTrip.length))).toBe(0);
  });
});
