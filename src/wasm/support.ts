import { encodeModule, WasmCode } from '../expr/wasm-code';

/** Whether the platform runs 128-bit vector instructions. */
export function hasWasmSimd(): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const code = new WasmCode(1);
  const local = code.local('v128');
  code.v128([0, 1, 2, 3]).vec('f32x4Sqrt').set(local);
  return WebAssembly.validate(encodeModule(code, 1, { isShared: false, maximumPages: 1 }));
}

/** Whether memory can be shared between threads: in a page only when it is cross-origin isolated. */
export function hasWasmThreads(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}
