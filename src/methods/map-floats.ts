import type { LoadedSlice, MergeBackend } from '../expr/backend';
import type { Expr } from '../expr/expr';
import type { PassEntry } from './pass-entry';
import { valuesOf } from './pass-entry';
import type { MergeOptions } from './tensor-task';

/**
 * Values of an expression on one slice, in float32.
 * @param model the model at hand outside folds
 */
export async function mapFloats(
  backend: MergeBackend,
  slice: LoadedSlice,
  expr: Expr<'f32'>,
  entry: PassEntry,
  options: MergeOptions,
  model = 0,
): Promise<Float32Array> {
  const bytes = await backend.map(slice, expr, valuesOf(entry, options), 'F32', model);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Values of several expressions on one slice, by their names. */
export async function mapAllFloats(
  backend: MergeBackend,
  slice: LoadedSlice,
  exprs: Readonly<Record<string, Expr<'f32'>>>,
  entry: PassEntry,
  options: MergeOptions,
): Promise<Record<string, Float32Array>> {
  const found: Record<string, Float32Array> = {};
  for (const [name, expr] of Object.entries(exprs)) {
    found[name] = await mapFloats(backend, slice, expr, entry, options);
  }
  return found;
}
