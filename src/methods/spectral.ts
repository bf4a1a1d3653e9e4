import { column, div, mul, named, perModel, scalar, sumOverModels } from '../expr/build';
import type { DenseMatrix } from '../linalg/dense-matrix';
import type { LinearAlgebra } from '../linalg/linear-algebra';
import type {
  AlgebraFor,
  Matrix,
  MergeMethod,
  NumberParameter,
  PassContext,
  ReducePass,
} from './method';
import { weight } from './parameters';
import { addToBase, taskVector } from './task-vector';

/** The papers have no such weights: 1 for every specialist unless a recipe says otherwise. */
export const spectralWeight: NumberParameter = { ...weight, default: 1 };

const weighted = named('weighted', mul(perModel('weight'), taskVector));

/** Adds the scalar `taskCount`: the models of a weight other than 0, at least 1. */
const taskCount: ReducePass = {
  kind: 'reduce',
  scope: 'tensor',
  reductions: {},
  then: (_, { perModel: lists }) => ({
    scalars: { taskCount: Math.max(1, (lists['weight'] ?? []).filter((w) => w !== 0).length) },
  }),
};

/**
 * What spectral methods do with tensors that are no matrix, and with embedding and head:
 * W = B + λ·(1/T)·Σ wᵢτᵢ, as FusionBench, which leaves λ out here in TSV-Merge.
 */
export const addMeanOfTasks: MergeMethod['define'] = () => ({
  passes: [taskCount],
  output: addToBase(named('mean', div(sumOverModels(weighted), scalar('taskCount')))),
});

/** One matrix of every specialist, as a spectral method sees them. */
export interface TaskMatrices {
  readonly algebra: LinearAlgebra;
  /** wᵢτᵢ of the models whose weight is not 0; one or more, of one shape. */
  readonly tasks: readonly Matrix[];
  /** The smaller side: how many singular values there are. */
  readonly rank: number;
  readonly scalars: PassContext['scalars'];
  readonly signal: AbortSignal | undefined;
}

/**
 * `defineMatrix` of a method that turns the task vectors of a weight matrix into a merged one:
 * W = B + λ·merge(w₁τ₁ …). A NaN or an infinity in any of them makes the whole result NaN, for no
 * singular value is free of it.
 * @param reads the scalars that `merge` looks at
 */
export function addMergedMatrix(
  merge: (matrices: TaskMatrices) => Promise<DenseMatrix>,
  reads: readonly string[] = [],
): MergeMethod['define'] {
  return () => ({
    passes: [
      {
        kind: 'matrix',
        scope: 'tensor',
        name: 'merged',
        of: weighted,
        reads,
        solve: (matrices, context, signal, algebraFor) =>
          solve(merge, matrices, context, signal, algebraFor),
      },
    ],
    output: addToBase(column('merged')),
  });
}

async function solve(
  merge: (matrices: TaskMatrices) => Promise<DenseMatrix>,
  matrices: readonly Matrix[],
  { perModel: lists, scalars, elementCount }: PassContext,
  signal: AbortSignal | undefined,
  algebraFor: AlgebraFor,
): Promise<Float32Array> {
  const tasks = matrices.filter((_, model) => lists['weight']?.[model] !== 0);
  const [first] = tasks;
  if (first === undefined || elementCount === 0) return new Float32Array(elementCount);
  if (tasks.some(({ values }) => !values.every(Number.isFinite))) {
    return new Float32Array(elementCount).fill(NaN);
  }
  const algebra = await algebraFor(first);
  const rank = Math.min(first.rowCount, first.columnCount);
  const merged = await merge({ algebra, tasks, rank, scalars, signal });
  return Float32Array.from(merged.values);
}
