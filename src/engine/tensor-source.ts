import { dtypeSizesBytes, elementCountOf, type FloatDtype } from '../core/dtype';
import type { Allocate, ByteRange, TensorInfo } from '../formats/checkpoint-reader';
import type { ModelInput } from './model-input';

/** A tensor of one model as a merge reads it: whole, or its top-left block. */
export interface TensorSource extends TensorInfo {
  readonly model: ModelInput;
  /** Present when only the first rows and columns are taken: the shape as it is stored. */
  readonly storedShape?: readonly [number, number];
}

/** A source that can be merged. */
export type FloatSource = TensorSource & { readonly dtype: FloatDtype };

/** The first `shape[0]` rows and `shape[1]` columns of a matrix. */
export function croppedSource(source: FloatSource, shape: readonly number[]): FloatSource {
  const [rowCount = 1, columnCount = 1] = source.shape;
  return {
    ...source,
    shape,
    sizeBytes: elementCountOf(shape) * dtypeSizesBytes[source.dtype],
    storedShape: [rowCount, columnCount],
  };
}

/**
 * Bytes of the source as merged, little-endian. A block with fewer columns than are stored is read by
 * whole rows.
 * @throws LabError as the checkpoint
 */
export async function readSource(
  source: TensorSource,
  range: ByteRange,
  signal?: AbortSignal,
  allocate?: Allocate,
): Promise<Uint8Array> {
  const { model, name, dtype, shape, storedShape } = source;
  const columnCount = shape[1] ?? 1;
  const storedColumns = storedShape?.[1] ?? columnCount;
  if (storedColumns === columnCount) {
    return model.checkpoint.read(name, range, signal, allocate);
  }

  const widthBytes = dtypeSizesBytes[dtype];
  const [rowBytes, storedRowBytes] = [columnCount * widthBytes, storedColumns * widthBytes];
  const endBytes = range.offsetBytes + range.lengthBytes;
  const firstRow = Math.floor(range.offsetBytes / rowBytes);
  const endRow = Math.ceil(endBytes / rowBytes);
  const stored = await model.checkpoint.read(
    name,
    {
      offsetBytes: firstRow * storedRowBytes,
      lengthBytes: (endRow - firstRow) * storedRowBytes,
    },
    signal,
  );
  const block = new Uint8Array((endRow - firstRow) * rowBytes);
  for (let row = 0; row < endRow - firstRow; row++) {
    const from = row * storedRowBytes;
    block.set(stored.subarray(from, from + rowBytes), row * rowBytes);
  }
  const skippedBytes = range.offsetBytes - firstRow * rowBytes;
  return block.subarray(skippedBytes, skippedBytes + range.lengthBytes);
}
