import { elementCountOf, isFloatDtype, type FloatDtype } from '../core/dtype';
import { LabError } from '../core/errors';
import type { TensorInfo } from '../formats/checkpoint-reader';
import type { TensorStream } from '../formats/tensor-stream';
import type { PlannedWeight } from './weight-plan';

export type FloatTensor = TensorInfo & { readonly dtype: FloatDtype };

type Source = Pick<TensorStream, 'label' | 'tensors'>;

/**
 * The checkpoint tensors of a weight, which together must have exactly its rows and columns.
 * @throws LabError `format/bad-config` when a tensor is missing or has another shape than
 *   config.json implies, `model/unsupported` when it is not BF16, F16 or F32
 */
export function checkSources(weight: PlannedWeight, source: Source): FloatTensor[] {
  let rows = 0;
  const tensors = weight.sources.map((name) => {
    const tensor = source.tensors.get(name);
    if (tensor === undefined) {
      throw new LabError(
        'format/bad-config',
        `${source.label} has no tensor ${name}, which its config.json implies; check that all of its weight files are there.`,
        { details: { tensor: name } },
      );
    }
    const { dtype, shape } = tensor;
    if (!isFloatDtype(dtype)) {
      throw new LabError(
        'model/unsupported',
        `Tensor ${name} of ${source.label} has dtype ${dtype}; only BF16, F16 and F32 weights can be run.`,
        { details: { tensor: name, dtype } },
      );
    }
    const tensorRows = shape.length === 1 ? 1 : (shape[0] ?? 0);
    if (elementCountOf(shape) !== tensorRows * weight.columns || shape.length > 2) {
      throw shapeError(weight, source, name, shape);
    }
    rows += tensorRows;
    return { ...tensor, dtype };
  });
  const [first] = tensors;
  if (rows !== weight.rows && first !== undefined) {
    throw shapeError(weight, source, first.name, first.shape);
  }
  return tensors;
}

function shapeError(
  weight: PlannedWeight,
  source: Source,
  name: string,
  shape: readonly number[],
): LabError {
  return new LabError(
    'format/bad-config',
    `Tensor ${name} of ${source.label} has shape [${shape.join(', ')}], but config.json implies ${String(weight.rows)} rows of ${String(weight.columns)}; the two files do not belong together.`,
    { details: { tensor: name, shape: shape.join(','), columns: weight.columns } },
  );
}
