import { expect } from 'vitest';
import { Random } from '../../../src/core/random';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import type { SmallMerge } from './merge-small';
import { mergeOne, smallTensor } from './merge-small';

/** Numbers in [-size, size), the same for the same seed. */
export function randomValues(count: number, seed: number, size = 1): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Math.fround((random.next01() * 2 - 1) * size));
}

/** Merges by WASM and by the oracle, which must give the same bits. */
export class BothBackends {
  readonly wasm = new WasmBackend({ threadCount: 1 });
  readonly oracle = new OracleBackend();

  /** @param shape default one dimension */
  async merged(
    base: readonly number[] | undefined,
    models: readonly (readonly number[])[],
    merge: SmallMerge,
    shape?: readonly number[],
  ): Promise<number[]> {
    const tensor = { ...smallTensor(base, models), ...(shape === undefined ? {} : { shape }) };
    const found = await mergeOne(this.wasm, tensor, merge);
    expect(found).toEqual(await mergeOne(this.oracle, tensor, merge));
    return found;
  }

  dispose(): void {
    this.wasm.dispose();
  }
}
