import { LabError } from '../core/errors';
import { Turns, wasmThreadCount, type OrtRuntime } from './ort-runtime';

/**
 * Loads ONNX Runtime in a browser's worker or page. Its glue and wasm files come from `filesUrl`, on
 * our own origin. The JSPI build is chosen where the engine has it: 17 MB of wasm instead of 27.
 *
 * @param filesUrl absolute address of the folder with the `ort-wasm-simd-threaded.*` files, ending
 *   in `/`
 * @throws LabError `model/run-failed` when the module cannot be loaded
 */
export async function loadBrowserRuntime(filesUrl: string): Promise<OrtRuntime> {
  const build = 'Suspending' in WebAssembly ? 'jspi' : 'webgpu';
  try {
    const ort = await (build === 'jspi'
      ? import('onnxruntime-web/jspi')
      : import('onnxruntime-web/webgpu'));
    const stem = `ort-wasm-simd-threaded.${build === 'jspi' ? 'jspi' : 'asyncify'}`;
    const threadCount = wasmThreadCount(
      globalThis.crossOriginIsolated,
      navigator.hardwareConcurrency,
    );
    ort.env.wasm.wasmPaths = { mjs: `${filesUrl}${stem}.mjs`, wasm: `${filesUrl}${stem}.wasm` };
    ort.env.wasm.numThreads = threadCount;
    ort.env.logLevel = 'error';
    return { ort, build, threadCount, turns: new Turns() };
  } catch (cause) {
    throw new LabError(
      'model/run-failed',
      'ONNX Runtime could not be loaded; reload the page, and if that does not help, check that this site is complete.',
      { cause },
    );
  }
}
