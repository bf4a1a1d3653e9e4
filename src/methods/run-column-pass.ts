import { invariant } from '../core/errors';
import type { MergeBackend } from '../expr/backend';
import type { Expr } from '../expr/expr';
import type { ColumnSource } from './columns';
import { identityOf } from './columns';
import { measureRows } from './measure-rows';
import type {
  MatrixPass,
  MergekitRandomPass,
  MergekitSamplePass,
  Pass,
  RankPass,
  ReducePass,
  RowPass,
  TopPass,
  VectorPass,
} from './method';
import type { PassEntry } from './pass-entry';
import { contextOf, keyOf, recall } from './pass-entry';
import { solveMatrix } from './solve-matrix';
import { sumVectors } from './sum-vectors';
import type { MergeOptions } from './tensor-task';

type ColumnPass = Exclude<Pass, ReducePass | TopPass | RankPass | MergekitSamplePass>;

/** Runs a pass whose result is a computed input of the tensor. */
export async function runColumnPass(
  backend: MergeBackend,
  pass: ColumnPass,
  entry: PassEntry,
  options: MergeOptions,
): Promise<readonly ColumnSource[]> {
  if (pass.kind === 'mergekitRandom') return [randomColumn(pass, entry, options)];
  const exprs = exprsOfColumns(pass);
  const key = `${keyOf(entry, exprs, options)} ${JSON.stringify(hostNumbers(pass, entry))}`;
  return recall(options, [entry], pass, key, () => {
    if (pass.kind === 'rows') return measureRows(backend, pass, entry, options);
    if (pass.kind === 'vectors') return sumVectors(backend, pass, entry, options);
    return solveMatrix(backend, pass, entry, options);
  });
}

/** The numbers that the host step may look at: all of the tensor's unless it says which. */
function hostNumbers(pass: ColumnPass, { numbers }: PassEntry): unknown {
  if (pass.kind !== 'matrix' || pass.reads === undefined) return numbers;
  return pass.reads.map((name) => numbers.scalars[name]);
}

function exprsOfColumns(pass: RowPass | VectorPass | MatrixPass): readonly Expr[] {
  if (pass.kind === 'matrix') return [pass.of];
  return Object.values(pass.kind === 'rows' ? pass.values : pass.sums);
}

function randomColumn(
  pass: MergekitRandomPass,
  entry: PassEntry,
  options: MergeOptions,
): ColumnSource {
  const context = contextOf([entry]);
  const isDrawn = Array.from({ length: context.specialistCount }, (_, model) =>
    pass.draws(model, context),
  );
  const { mergekitDraws } = options;
  // Where a tensor stands in the stream depends on what the others draw.
  const stream = mergekitDraws === undefined ? '' : identityOf(mergekitDraws);
  return {
    name: pass.name,
    key: `${stream} ${isDrawn.join()}`,
    attach: async (backend, slice) => {
      const { firstElement, elementCount } = slice;
      let draw = 0;
      const columns = isDrawn.map((is) => {
        if (!is) return new Float32Array(elementCount);
        invariant(mergekitDraws, 'the caller gives mergekit’s random numbers');
        return mergekitDraws.uniforms(entry.task.name, draw++, firstElement, elementCount);
      });
      await backend.attach(slice, pass.name, columns);
    },
  };
}
