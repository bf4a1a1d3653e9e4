import type { FloatDtype } from '../core/dtype';
import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import type { MemoryShape } from '../expr/wasm-code';
import type { ReduceKernel, WasmKernel } from '../expr/wasm-kernel';
import { compileMap, compileReduce } from '../expr/wasm-kernel';
import type { InputLayout } from '../expr/wasm-steps';

/** A kernel and the number by which threads know it. */
export interface CachedKernel<K extends WasmKernel> {
  readonly id: number;
  readonly kernel: K;
}

const capacity = 512;

/**
 * Kernels by the identity of their expressions, so that a merge of a hundred tensors compiles each
 * once. Equal modules from different expression objects share one number.
 */
export class KernelCache {
  readonly #memory: MemoryShape;
  readonly #identities = new WeakMap<object, number>();
  readonly #maps = new Map<string, CachedKernel<WasmKernel>>();
  readonly #reduces = new Map<string, CachedKernel<ReduceKernel>>();
  readonly #idsByModule = new Map<string, number>();
  #identityCount = 0;
  #idCount = 0;

  constructor(memory: MemoryShape) {
    this.#memory = memory;
  }

  map(output: Expr<'f32'>, outDtype: FloatDtype, layout: InputLayout): CachedKernel<WasmKernel> {
    const key = `${this.#identity(output)} ${outDtype} ${layoutText(layout)}`;
    return this.#remember(this.#maps, key, () =>
      compileMap(output, outDtype, layout, this.#memory),
    );
  }

  reduce(reductions: readonly Reduction[], layout: InputLayout): CachedKernel<ReduceKernel> {
    const names = reductions.map((reduction) => this.#identity(reduction)).join();
    return this.#remember(this.#reduces, `${names} ${layoutText(layout)}`, () =>
      compileReduce(reductions, layout, this.#memory),
    );
  }

  #identity(object: object): number {
    let identity = this.#identities.get(object);
    if (identity === undefined) {
      identity = this.#identityCount++;
      this.#identities.set(object, identity);
    }
    return identity;
  }

  #remember<K extends WasmKernel>(
    cache: Map<string, CachedKernel<K>>,
    key: string,
    compile: () => K,
  ): CachedKernel<K> {
    const known = cache.get(key);
    if (known !== undefined) return known;
    if (cache.size >= capacity) cache.clear();
    const kernel = compile();
    const cached = { id: this.#idOf(kernel.bytes), kernel };
    cache.set(key, cached);
    return cached;
  }

  #idOf(bytes: Uint8Array): number {
    const text = new TextDecoder('latin1').decode(bytes);
    let id = this.#idsByModule.get(text);
    if (id === undefined) {
      if (this.#idsByModule.size >= capacity) this.#idsByModule.clear();
      // Numbers are never used twice: threads keep what they compiled.
      id = this.#idCount++;
      this.#idsByModule.set(text, id);
    }
    return id;
  }
}

function layoutText({ hasBase, dtypes }: InputLayout): string {
  return `${hasBase ? 'base' : 'none'} ${dtypes.join()}`;
}
