import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { f16ToF32, f32ToF16 } from '../core/float-bits';
import type { ModelBytes } from './backend';

/**
 * Widens `out.length` elements from position `start` on; exact for every dtype. Bytes may lie at any
 * alignment.
 */
export function decodeFloats(
  { dtype, bytes }: ModelBytes,
  start: number,
  out: Float32Array | Float64Array,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === 'F32') {
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32((start + i) * 4, true);
  } else if (dtype === 'F16') {
    for (let i = 0; i < out.length; i++) out[i] = f16ToF32(view.getUint16((start + i) * 2, true));
  } else {
    const words = new Uint32Array(out.length);
    for (let i = 0; i < out.length; i++) words[i] = view.getUint16((start + i) * 2, true) << 16;
    out.set(new Float32Array(words.buffer));
  }
}

/** Rounds float32 values once, to nearest even, and writes them little-endian from `start` on. */
export function encodeFloats(
  values: Float32Array,
  dtype: FloatDtype,
  out: Uint8Array,
  start: number,
): void {
  const sizeBytes = dtypeSizesBytes[dtype];
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  if (dtype === 'BF16') {
    encodeBf16(values, view, start);
    return;
  }
  values.forEach((value, i) => {
    const offset = (start + i) * sizeBytes;
    if (dtype === 'F32') view.setFloat32(offset, value, true);
    else view.setUint16(offset, f32ToF16(value), true);
  });
}

/** As `f32ToBf16`, on all words at once. */
function encodeBf16(values: Float32Array, view: DataView, start: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    const bits = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    view.setUint16((start + i) * 2, bits, true);
  }
}
