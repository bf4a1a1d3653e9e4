import type * as Ort from 'onnxruntime-web';

/** Where a graph's operators run. */
export type ModelProvider = 'wasm' | 'webgpu';

/** ONNX Runtime ready to make sessions. */
export interface OrtRuntime {
  readonly ort: typeof Ort;
  /** `webgpu` (asyncify) and `jspi` are builds with both providers; `node` has wasm only. */
  readonly build: 'webgpu' | 'jspi' | 'node';
  /** Threads of the wasm provider. */
  readonly threadCount: number;
  /** Session creations and runs take turns: builds with WebGPU cannot overlap them. */
  readonly turns: Turns;
}

/** Lets one asynchronous job run at a time, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async take<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    // A failed job must not fail the ones behind it.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/**
 * Threads for the wasm provider: all cores but one, which the page and the merge need, at most four,
 * as small matrices do not split further, and one where the page is not cross-origin isolated. The
 * runtime's threads spin while they wait: two of them on two busy cores took 1.5 to 2.5 times as long
 * as one for 96 replies of a zoo model.
 */
export function wasmThreadCount(isolated: boolean, hardwareThreads: number): number {
  return isolated ? Math.max(1, Math.min(4, hardwareThreads - 1)) : 1;
}
