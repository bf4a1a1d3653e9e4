import type { FloatDtype } from '../core/dtype';
import type { Expr } from '../expr/expr';
import { IdentityCache } from '../expr/identity-cache';
import type { InputLayout } from '../expr/input-layout';
import { layoutText } from '../expr/input-layout';
import type { Reduction } from '../expr/reduction';
import type { MemoryShape } from '../expr/wasm-code';
import type { ReduceKernel, WasmKernel } from '../expr/wasm-kernel';
import { compileMap, compileReduce } from '../expr/wasm-kernel';
import { compileRank } from '../expr/wasm-rank';
import { stepElements } from '../expr/wasm-steps';

/** A kernel and the number by which threads know it. */
export interface CachedKernel<K extends WasmKernel> {
  readonly id: number;
  readonly kernel: K;
}

const capacity = 512;

/** Every kernel is compiled once; equal modules of different expressions share one number. */
export class KernelCache {
  readonly #memory: MemoryShape;
  readonly #maps = new IdentityCache<CachedKernel<WasmKernel>>(capacity);
  readonly #reduces = new IdentityCache<CachedKernel<ReduceKernel>>(capacity);
  readonly #idsByModule = new Map<string, number>();
  #idCount = 0;
  #rank: CachedKernel<WasmKernel> | undefined;

  constructor(memory: MemoryShape) {
    this.#memory = memory;
  }

  map(
    output: Expr<'f32'>,
    outDtype: FloatDtype,
    layout: InputLayout,
    model: number,
  ): CachedKernel<WasmKernel> {
    const rest = `${outDtype} ${model} ${layoutText(layout)}`;
    return this.#maps.remember([output], rest, () =>
      this.#numbered(compileMap(output, outDtype, layout, this.#memory, model)),
    );
  }

  reduce(
    reductions: readonly Reduction[],
    layout: InputLayout,
    elementCount: number,
  ): CachedKernel<ReduceKernel> {
    const isEven = elementCount % stepElements === 0;
    return this.#reduces.remember(reductions, `${isEven} ${layoutText(layout)}`, () =>
      this.#numbered(compileReduce(reductions, layout, this.#memory, isEven)),
    );
  }

  /** The kernel that ranks rows; it belongs to no expression. */
  rank(): CachedKernel<WasmKernel> {
    this.#rank ??= this.#numbered({
      bytes: compileRank(this.#memory),
      namedValues: [],
      columns: [],
    });
    return this.#rank;
  }

  #numbered<K extends WasmKernel>(kernel: K): CachedKernel<K> {
    const text = new TextDecoder('latin1').decode(kernel.bytes);
    let id = this.#idsByModule.get(text);
    if (id === undefined) {
      if (this.#idsByModule.size >= capacity) this.#idsByModule.clear();
      // Numbers are never used twice: threads keep what they compiled.
      id = this.#idCount++;
      this.#idsByModule.set(text, id);
    }
    return { id, kernel };
  }
}
