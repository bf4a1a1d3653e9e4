import { elementCountOf, isFloatDtype, type FloatDtype } from '../core/dtype';
import { LabError } from '../core/errors';
import { ProgressMeter, type LongTask } from '../core/progress';
import type { CheckpointReader, TensorInfo } from '../formats/checkpoint-reader';
import { quantise4, quantise8 } from './quantise-blocks';
import type { PlannedWeight, WeightPart, WeightPlan } from './weight-plan';
import { widenFloats } from './widen-floats';

/** Takes bytes of a data file; calls arrive in no particular order and never overlap. */
export type WriteData = (
  fileIndex: number,
  offsetBytes: number,
  bytes: Uint8Array,
) => void | Promise<void>;

/** Values converted at a time: bounds memory to a few times 16 MB whatever the model's size. */
const maxChunkValues = 4 * 1024 * 1024;

/**
 * Streams every planned weight from a checkpoint into the data files, a slice of rows at a time,
 * converting to float32 or to quantised blocks on the way.
 *
 * @throws LabError `format/bad-config` when a tensor is missing or has another shape than
 *   config.json implies, `model/unsupported` when it is not BF16, F16 or F32; what the reader throws
 */
export async function fillWeights(
  plan: WeightPlan,
  reader: CheckpointReader,
  write: WriteData,
  { signal, onProgress }: LongTask = {},
): Promise<void> {
  const total = plan.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const meter = new ProgressMeter(`Preparing ${reader.label}`, total, 'bytes', onProgress);
  for (const weight of plan.weights) {
    let firstRow = 0;
    for (const source of checkSources(weight, reader)) {
      for await (const chunk of readRows(source, weight.columns, reader, signal)) {
        signal?.throwIfAborted();
        for (const { part, bytes } of encodeRows(weight, chunk)) {
          const rowBytes = part.lengthBytes / weight.rows;
          await write(part.fileIndex, part.offsetBytes + firstRow * rowBytes, bytes);
          meter.advance(bytes.byteLength);
        }
        firstRow += chunk.length / weight.columns;
      }
    }
  }
}

/** All data files of a plan in memory, zeroed. */
export function allocateData(plan: WeightPlan): Uint8Array<ArrayBuffer>[] {
  return plan.files.map((file) => new Uint8Array(file.sizeBytes));
}

type FloatTensor = TensorInfo & { readonly dtype: FloatDtype };

/** The checkpoint tensors of a weight, which together must have exactly its rows and columns. */
function checkSources(weight: PlannedWeight, reader: CheckpointReader): FloatTensor[] {
  let rows = 0;
  const tensors = weight.sources.map((name) => {
    const tensor = reader.tensors.get(name);
    if (tensor === undefined) {
      throw new LabError(
        'format/bad-config',
        `${reader.label} has no tensor ${name}, which its config.json implies; check that all of its weight files are there.`,
        { details: { tensor: name } },
      );
    }
    const { dtype, shape } = tensor;
    if (!isFloatDtype(dtype)) {
      throw new LabError(
        'model/unsupported',
        `Tensor ${name} of ${reader.label} has dtype ${dtype}; only BF16, F16 and F32 weights can be run.`,
        { details: { tensor: name, dtype } },
      );
    }
    const tensorRows = shape.length === 1 ? 1 : (shape[0] ?? 0);
    if (elementCountOf(shape) !== tensorRows * weight.columns || shape.length > 2) {
      throw shapeError(weight, reader, name, shape);
    }
    rows += tensorRows;
    return { ...tensor, dtype };
  });
  const [first] = tensors;
  if (rows !== weight.rows && first !== undefined) {
    throw shapeError(weight, reader, first.name, first.shape);
  }
  return tensors;
}

function shapeError(
  weight: PlannedWeight,
  reader: CheckpointReader,
  name: string,
  shape: readonly number[],
): LabError {
  return new LabError(
    'format/bad-config',
    `Tensor ${name} of ${reader.label} has shape [${shape.join(', ')}], but config.json implies ${String(weight.rows)} rows of ${String(weight.columns)}; the two files do not belong together.`,
    { details: { tensor: name, shape: shape.join(','), columns: weight.columns } },
  );
}

async function* readRows(
  tensor: FloatTensor,
  columns: number,
  reader: CheckpointReader,
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array> {
  const rowBytes = columns * (tensor.dtype === 'F32' ? 4 : 2);
  const chunkBytes = Math.max(1, Math.floor(maxChunkValues / columns)) * rowBytes;
  for (let offsetBytes = 0; offsetBytes < tensor.sizeBytes; offsetBytes += chunkBytes) {
    const lengthBytes = Math.min(chunkBytes, tensor.sizeBytes - offsetBytes);
    const bytes = await reader.read(tensor.name, { offsetBytes, lengthBytes }, signal);
    yield widenFloats(tensor.dtype, bytes);
  }
}

function encodeRows(
  weight: PlannedWeight,
  values: Float32Array,
): { part: WeightPart; bytes: Uint8Array }[] {
  const rows = values.length / weight.columns;
  const encoded =
    weight.encoding === 'q8'
      ? quantise8(values, rows, weight.columns)
      : weight.encoding === 'q4'
        ? quantise4(values, rows, weight.columns)
        : { values };
  const byRole: Partial<Record<WeightPart['role'], ArrayBufferView>> = encoded;
  return weight.parts.map((part) => {
    const view = byRole[part.role] ?? values;
    return { part, bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) };
  });
}
