import { invariant } from '../core/errors';
import { encodeModule } from '../expr/wasm-code';
import type { Kernel64 } from './kernels64';
import { productKernel, reflectionKernel, rotationKernel, turnElements } from './kernels64';

const pageBytes = 65536;
const maximumPages = 32768;
/** Larger ones are left to the garbage collector. */
const keptBytes = 2 ** 26;

type Run = (...parameters: number[]) => void;

/** Memory of WebAssembly for one computation in float64, and what runs on it. */
export class Workspace64 {
  readonly multiply: Run;
  readonly reflect: Run;
  readonly rotate: Run;
  readonly #memory: WebAssembly.Memory;
  #usedBytes = 0;

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages });
    this.multiply = this.#load(productKernel());
    this.reflect = this.#load(reflectionKernel());
    this.rotate = this.#load(rotationKernel());
  }

  get sizeBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /**
   * Makes all of it free, then reserves room for as many float64 as `counts` say; all are zero.
   * @throws RangeError when there is no such memory
   */
  reserve(counts: readonly number[]): Float64Array[] {
    const sizeBytes = counts.reduce((total, count) => total + 8 * count, 0);
    const missing = Math.ceil((sizeBytes - this.sizeBytes) / pageBytes);
    if (missing > 0) this.#memory.grow(missing);
    this.#usedBytes = 0;
    return counts.map((count) => {
      const list = new Float64Array(this.#memory.buffer, this.#usedBytes, count);
      this.#usedBytes += 8 * count;
      return list.fill(0);
    });
  }

  #load({ code, parameterCount }: Kernel64): Run {
    const bytes = encodeModule(code, parameterCount, { isShared: false, maximumPages });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: this.#memory },
    });
    const { run } = exports;
    invariant(typeof run === 'function', 'a kernel exports run');
    return run as Run;
  }
}

const idle: Workspace64[] = [];

/** Lends a workspace to a computation, which may wait in between. */
export async function withWorkspace<T>(use: (workspace: Workspace64) => Promise<T>): Promise<T> {
  const workspace = idle.pop() ?? new Workspace64();
  try {
    return await use(workspace);
  } finally {
    if (workspace.sizeBytes <= keptBytes) idle.push(workspace);
  }
}

/** Elements from one row to the next. */
export function strideOf(columnCount: number): number {
  return roundUp(columnCount, turnElements);
}

/** The next multiple of `step`. */
export function roundUp(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}
