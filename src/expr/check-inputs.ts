import { dtypeSizesBytes } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import type { BackendId, LoadedSlice, ModelBytes, SliceInputs } from './backend';
import { chunkElements } from './backend';

/** Random bits and indices count elements in 32 bits. */
const maxTensorElements = 2 ** 32 - 2;

/** Models of a slice as back ends lay them out: the base first, if there is one. */
export function modelsOf(inputs: SliceInputs): readonly ModelBytes[] {
  return inputs.base === undefined ? inputs.specialists : [inputs.base, ...inputs.specialists];
}

/**
 * Checks a slice before any back end touches it.
 * @throws LabError `recipe/shape-mismatch` when a model has another number of elements
 */
export function checkInputs(inputs: SliceInputs, maxSliceBytes: number): void {
  const { tensorName, firstElement, elementCount, specialists } = inputs;
  invariant(specialists.length >= 1 && specialists.length <= 12, 'one to twelve specialists');
  invariant(firstElement % chunkElements === 0, 'a slice begins at a chunk');
  invariant(firstElement + elementCount <= maxTensorElements, 'indices fit 32 bits');
  let sizeBytes = 0;
  modelsOf(inputs).forEach(({ dtype, bytes }, model) => {
    sizeBytes += bytes.byteLength;
    const wantedBytes = elementCount * dtypeSizesBytes[dtype];
    if (bytes.byteLength === wantedBytes) return;
    throw new LabError(
      'recipe/shape-mismatch',
      `Input ${model + 1} of tensor ${tensorName} has ${bytes.byteLength} bytes where ` +
        `${elementCount} values of ${dtype} need ${wantedBytes}. Merge models of one shape.`,
      { details: { tensor: tensorName, input: model, wantedBytes, foundBytes: bytes.byteLength } },
    );
  });
  invariant(sizeBytes <= maxSliceBytes, 'the caller keeps slices below maxSliceBytes');
}

export function describeSlice(backend: BackendId, inputs: SliceInputs): LoadedSlice {
  const { tensorName, tensorKey, firstElement, elementCount, specialists } = inputs;
  return {
    backend,
    tensorName,
    tensorKey,
    firstElement,
    elementCount,
    specialistCount: specialists.length,
    byteCount: modelsOf(inputs).reduce((total, { bytes }) => total + bytes.byteLength, 0),
  };
}

/** Checks what is attached to a slice: one array or one per specialist, each of its length. */
export function checkColumns(
  slice: LoadedSlice,
  name: string,
  columns: readonly Float32Array[],
): void {
  const { specialistCount, elementCount } = slice;
  const counts = [1, specialistCount];
  invariant(counts.includes(columns.length), `column ${name} is one array or one per specialist`);
  const isWhole = columns.every((column) => column.length === elementCount);
  invariant(isWhole, `column ${name} has a value for every element`);
}
