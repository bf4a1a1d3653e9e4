import type { LinearAlgebra } from '../../../src/linalg/linear-algebra';
import { flattenSpectrum } from '../../../src/methods/iso-c';
import { mergeCommonAndSpecific } from '../../../src/methods/iso-cts';
import { numbersFor } from '../../../src/methods/parameters';
import { findMethod } from '../../../src/methods/registry';
import type { Matrix, MethodId } from '../../../src/methods/method';
import type { TaskMatrices } from '../../../src/methods/spectral';
import { mergeTaskSingularVectors } from '../../../src/methods/tsv-merge';
import { reduceInterference } from '../../../src/methods/wudi';
import golden from '../../fixtures/methods/spectral.json';

export const spectralMerges = {
  tsv_merge: mergeTaskSingularVectors,
  iso_c: flattenSpectrum,
  iso_cts: mergeCommonAndSpecific,
  wudi: reduceInterference,
} as const satisfies Partial<Record<MethodId, unknown>>;

export type SpectralId = keyof typeof spectralMerges;
export const spectralIds = Object.keys(spectralMerges) as SpectralId[];

/** Merges by tools/goldens/spectral.py: task vectors, and what NumPy made of them in float64. */
export interface SpectralCase {
  readonly name: string;
  readonly tasks: readonly Matrix[];
  readonly merged: Readonly<Record<SpectralId, Matrix>>;
}

export const spectralCases: readonly SpectralCase[] = golden.cases.map(
  ({ name, shape, tasks, merged }) => {
    const [rowCount = 0, columnCount = 0] = shape;
    const matrix = (text: string): Matrix => ({ rowCount, columnCount, values: decode(text) });
    return {
      name,
      tasks: tasks.map(matrix),
      merged: {
        tsv_merge: matrix(merged.tsv_merge),
        iso_c: matrix(merged.iso_c),
        iso_cts: matrix(merged.iso_cts),
        wudi: matrix(merged.wudi),
      },
    };
  },
);

function decode(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** What a method's solver gets, at the method's defaults. */
export function taskMatrices(
  id: SpectralId,
  tasks: readonly Matrix[],
  algebra: LinearAlgebra,
): TaskMatrices {
  const [{ rowCount, columnCount } = { rowCount: 0, columnCount: 0 }] = tasks;
  const { scalars } = numbersFor(findMethod(id), tasks.length);
  const rank = Math.min(rowCount, columnCount);
  return { algebra, tasks, rank, scalars, signal: undefined };
}
