import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-web';
import { Turns, wasmThreadCount, type OrtRuntime } from './ort-runtime';

/**
 * ONNX Runtime in Node: the package's Node entry, wasm provider only. Never import this from code
 * that a browser loads.
 *
 * @param threadCount by default one fewer than the machine has, between one and four
 */
export function loadNodeRuntime(
  threadCount = wasmThreadCount(true, availableParallelism()),
): OrtRuntime {
  ort.env.wasm.numThreads = threadCount;
  ort.env.logLevel = 'error';
  return { ort, build: 'node', threadCount, turns: new Turns() };
}
