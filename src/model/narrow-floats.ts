import { f32ToF16 } from '../core/float-bits';

/** Rounds to IEEE binary16 as `f32ToF16`, many at a time. */
export function narrowFloats(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < halves.length; index++) {
    const word = words[index] ?? 0;
    const magnitude = word & 0x7fffffff;
    // What stays a normal number; everything else takes the long way.
    halves[index] =
      magnitude >= 0x38800000 && magnitude < 0x477ff000
        ? ((word >>> 16) & 0x8000) |
          ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13)
        : f32ToF16(values[index] ?? 0);
  }
  return halves;
}
