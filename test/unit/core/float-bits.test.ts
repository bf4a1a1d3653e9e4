import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../../src/core/float-bits';

describe('bfloat16', () => {
  it('keeps every finite 16-bit pattern through float32 and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = bf16ToF32(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(bf16ToF32(f32ToBf16(value)))).toBe(true);
      else if (f32ToBf16(value) !== bits) expect(f32ToBf16(value)).toBe(bits);
    }
  });

  it('rounds midpoints to even and overflow to infinity', () => {
    expect(f32ToBf16(1 + 2 ** -8)).toBe(0x3f80);
    expect(f32ToBf16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(f32ToBf16(3.4e38)).toBe(0x7f80);
    expect(f32ToBf16(-0)).toBe(0x8000);
  });
});

describe('binary16', () => {
  it('keeps every pattern through float32 and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = f16ToF32(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(f16ToF32(f32ToF16(value)))).toBe(true);
      else if (f32ToF16(value) !== bits) expect(f32ToF16(value)).toBe(bits);
    }
  });

  it('rounds to nearest even at the edges', () => {
    expect(f32ToF16(65519.99)).toBe(0x7bff);
    expect(f32ToF16(65520)).toBe(0x7c00);
    expect(f32ToF16(2 ** -25)).toBe(0);
    expect(f32ToF16(1.5 * 2 ** -24)).toBe(2);
    expect(f32ToF16(2 ** -24)).toBe(1);
    expect(f32ToF16(1 + 2 ** -11)).toBe(0x3c00);
  });
});
