import type * as Transformers from '@huggingface/transformers';
import type { OrtRuntime } from './ort-runtime';

export type TransformersModule = typeof Transformers;

let loading: Promise<TransformersModule> | undefined;

/**
 * Loads transformers.js 4.3.1 on first use, about 160 KiB gzipped, with every way to the network
 * shut. It is given our ONNX Runtime under the name it looks for, so that one copy serves both (in
 * Node it would otherwise ask for a native package).
 */
export async function loadTransformers(runtime: OrtRuntime): Promise<TransformersModule> {
  loading ??= configure(runtime);
  return loading;
}

async function configure(runtime: OrtRuntime): Promise<TransformersModule> {
  Reflect.set(globalThis, Symbol.for('onnxruntime'), runtime.ort);
  const { wasm } = runtime.ort.env;
  const hasPaths = wasm.wasmPaths !== undefined;
  const transformers = await import('@huggingface/transformers');
  // It points an unset path at a public CDN; Node's entry finds its files beside itself.
  if (!hasPaths) delete wasm.wasmPaths;
  const { env } = transformers;
  env.allowRemoteModels = false;
  env.allowLocalModels = false;
  env.useBrowserCache = false;
  env.useFSCache = false;
  env.useCustomCache = false;
  env.useWasmCache = false;
  // Failures reach the caller as errors; the library would print them as well.
  env.logLevel = transformers.LogLevel.NONE;
  return transformers;
}
