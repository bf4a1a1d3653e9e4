import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice } from '../expr/backend';
import type { ParameterField } from '../expr/wgsl-text';

/** Word of its buffer at which each input, or each column of a name, begins. */
export interface InputOffsets {
  readonly inputs: readonly number[];
  /** One entry, or one per specialist. */
  readonly columns: ReadonlyMap<string, readonly number[]>;
}

/** The chunks that a reduction looks at. */
export interface ChunkSpan {
  readonly first: number;
  readonly count: number;
}

/** The `Params` of a kernel: words in the order of its fields, little-endian. */
export function packParameters(
  fields: readonly ParameterField[],
  slice: LoadedSlice,
  offsets: InputOffsets,
  values: KernelValues,
  span: ChunkSpan,
): Uint8Array<ArrayBuffer> {
  const wordCount = fields.reduce((total, { length }) => total + length, 0);
  const bytes = new Uint8Array(4 * wordCount);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const { name, source, type, length } of fields) {
    for (let index = 0; index < length; index++) {
      const value = {
        slice: () => sliceWord(name, slice, values, span),
        offset: () => offsets.inputs[index],
        column: () => columnOffset(offsets.columns.get(name), index),
        scalar: () => values.scalars[name],
        perModel: () => values.perModel[name]?.[index],
      }[source]();
      invariant(value !== undefined, `the kernel reads ${name}, which has no value`);
      if (type === 'f32') view.setFloat32(offset, value, true);
      else view.setUint32(offset, value, true);
      offset += 4;
    }
  }
  return bytes;
}

/** A column that all specialists share is found under every number. */
function columnOffset(offsets: readonly number[] | undefined, index: number): number | undefined {
  return offsets?.length === 1 ? offsets[0] : offsets?.[index];
}

function sliceWord(
  name: string,
  slice: LoadedSlice,
  values: KernelValues,
  span: ChunkSpan,
): number | undefined {
  if (name === 'seed') return values.seed;
  const words: Readonly<Record<string, number>> = {
    elementCount: slice.elementCount,
    firstElement: slice.firstElement,
    tensorKey: slice.tensorKey,
    zero: 0,
    firstChunk: span.first,
    chunkCount: span.count,
  };
  return words[name];
}
