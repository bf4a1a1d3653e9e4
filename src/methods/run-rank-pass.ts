import { keptBits, keptColumn } from '../expr/build';
import type { Expr } from '../expr/expr';
import { attachColumns, identityOf } from './columns';
import type { RankPass } from './method';
import type { PassEntry, PassFindings } from './pass-entry';
import { keyOf, valuesOf } from './pass-entry';
import { rowLengthOf } from './row-length';
import type { MergeOptions } from './tensor-task';

const decisions = new WeakMap<RankPass, Expr<'f32'>>();

/** The same expression for the same pass, so that its kernel is compiled once. */
function decisionOf(pass: RankPass): Expr<'f32'> {
  const known = decisions.get(pass) ?? keptBits(pass.name, pass.keeps);
  decisions.set(pass, known);
  return known;
}

/**
 * What a `rank` pass adds: the bit of every specialist, and the column in which these bits are found.
 * The column is computed when a slice is opened and stays with it.
 */
export function runRankPass(pass: RankPass, entry: PassEntry, options: MergeOptions): PassFindings {
  const { name, of } = pass;
  const { shape, specialistCount } = entry.task;
  const bit = Array.from({ length: specialistCount }, (_, model) => 1 << model);
  const own = valuesOf(entry, options);
  const values = { ...own, perModel: { ...own.perModel, [`${name}.bit`]: bit } };
  const decision = decisionOf(pass);
  const others = entry.columns;
  return {
    perModel: { [`${name}.bit`]: bit },
    columns: [
      {
        name: keptColumn(name),
        key: `${identityOf(pass)} ${keyOf(entry, [of, pass.keeps], options)}`,
        attach: async (backend, slice) => {
          await attachColumns(backend, slice, others, [of, pass.keeps]);
          await backend.rankRows(slice, name, of, values, rowLengthOf(shape));
          await backend.attachComputed(slice, keptColumn(name), decision, values);
          await backend.detach(slice, name);
        },
      },
    ],
  };
}
