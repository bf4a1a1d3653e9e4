import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice } from '../expr/backend';
import type { InputLayout } from '../expr/input-layout';
import type { WasmKernel } from '../expr/wasm-kernel';
import { blockWords } from '../expr/wasm-steps';

/** Where the inputs of a slice lie. */
export interface WasmSlice {
  readonly addresses: readonly number[];
  readonly layout: InputLayout;
  /** Addresses of attached columns, by name: one, or one per specialist. */
  readonly columns: Map<string, readonly number[]>;
}

/** Size of a kernel's parameter block. */
export function blockBytes({ columns, namedValues }: WasmKernel, { addresses }: WasmSlice): number {
  return 4 * (addresses.length + columns.length + blockWords.named + namedValues.length);
}

/** Writes the addresses and numbers that a kernel reads. */
export function writeBlock(
  memory: WebAssembly.Memory,
  block: number,
  slice: LoadedSlice,
  { addresses: inputs, columns }: WasmSlice,
  kernel: WasmKernel,
  values: KernelValues,
): void {
  const attached = kernel.columns.map(({ name, model }) => {
    const address = columns.get(name)?.[model];
    invariant(address !== undefined, `the kernel reads column ${name}, which is not attached`);
    return address;
  });
  const addresses = [...inputs, ...attached];
  const view = new DataView(memory.buffer, block);
  addresses.forEach((address, input) => {
    view.setUint32(4 * input, address, true);
  });
  const at = (word: number): number => 4 * (addresses.length + word);
  view.setUint32(at(blockWords.firstElement), slice.firstElement, true);
  view.setUint32(at(blockWords.seed), values.seed, true);
  view.setUint32(at(blockWords.tensorKey), slice.tensorKey, true);
  kernel.namedValues.forEach(({ kind, name, model, type }, index) => {
    const list = kind === 'scalar' ? values.scalars[name] : values.perModel[name]?.[model];
    invariant(list !== undefined, `the kernel reads ${name}, which has no value`);
    const offset = at(blockWords.named + index);
    if (type === 'f32') view.setFloat32(offset, list, true);
    else view.setUint32(offset, list, true);
  });
}
