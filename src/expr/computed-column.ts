import type { KernelValues, LoadedSlice, MergeBackend } from './backend';
import type { Expr } from './expr';

/** `MergeBackend.attachComputed` by way of the host, for back ends whose results leave them anyway. */
export async function attachComputedOnHost(
  backend: MergeBackend,
  slice: LoadedSlice,
  name: string,
  value: Expr<'f32'>,
  values: KernelValues,
): Promise<void> {
  const bytes = await backend.map(slice, value, values, 'F32');
  const { buffer, byteOffset } = bytes;
  await backend.attach(slice, name, [new Float32Array(buffer, byteOffset, slice.elementCount)]);
}
