import type { FloatDtype } from '../core/dtype';
import { f16ToF32 } from '../core/float-bits';

/**
 * Widens little-endian floats to float32, exactly; NaN, infinities and subnormals included.
 * `bytes` must hold whole values.
 */
export function widenFloats(dtype: FloatDtype, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  // Typed arrays need aligned offsets, which a view into a larger buffer need not have.
  const widthBytes = dtype === 'F32' ? 4 : 2;
  const aligned = bytes.byteOffset % widthBytes === 0 ? bytes : bytes.slice();
  const count = aligned.byteLength / widthBytes;
  if (dtype === 'F32') {
    return new Float32Array(aligned.buffer, aligned.byteOffset, count).slice();
  }
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
  if (dtype === 'F16') return Float32Array.from(halves, f16ToF32);
  const words = new Uint32Array(count);
  for (let index = 0; index < count; index++) words[index] = (halves[index] ?? 0) << 16;
  return new Float32Array(words.buffer);
}
