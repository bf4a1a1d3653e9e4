import type { LoadedSlice, MergeBackend } from '../expr/backend';
import type { Expr } from '../expr/expr';
import { rowPartsOf } from './row-parts';

/** Where a computed input of a tensor's slices comes from. */
export interface ColumnSource {
  readonly name: string;
  /** Equal for equal values: a slice that stays loaded is filled once. */
  readonly key: string;
  readonly attach: (backend: MergeBackend, slice: LoadedSlice) => Promise<void>;
}

/** Keys of what is attached to slices that stay loaded. */
const attachedKeys = new WeakMap<LoadedSlice, Map<string, string>>();

/** Attaches the columns that the expressions read, unless the slice has them already. */
export async function attachColumns(
  backend: MergeBackend,
  slice: LoadedSlice,
  sources: readonly ColumnSource[],
  exprs: readonly Expr[],
): Promise<void> {
  const known = attachedKeys.get(slice) ?? new Map<string, string>();
  attachedKeys.set(slice, known);
  for (const { name, key, attach } of sourcesOf(sources, exprs)) {
    if (known.get(name) === key) continue;
    known.delete(name);
    await attach(backend, slice);
    known.set(name, key);
  }
}

/** Equal when the expressions read the same computed inputs. */
export function columnKeys(sources: readonly ColumnSource[], exprs: readonly Expr[]): string {
  return sourcesOf(sources, exprs)
    .map(({ name, key }) => `${name}=${key}`)
    .join(' ');
}

function sourcesOf(
  sources: readonly ColumnSource[],
  exprs: readonly Expr[],
): readonly ColumnSource[] {
  if (sources.length === 0) return sources;
  const names = new Set(exprs.flatMap((expr) => [...columnNames(expr)]));
  return sources.filter(({ name }) => names.has(name));
}

const knownNames = new WeakMap<Expr, ReadonlySet<string>>();

/** Names of the columns that an expression reads. */
function columnNames(expr: Expr): ReadonlySet<string> {
  const known = knownNames.get(expr);
  if (known !== undefined) return known;
  const names = new Set<string>(expr.op === 'column' ? [expr.name] : []);
  for (const arg of expr.args) for (const name of columnNames(arg)) names.add(name);
  knownNames.set(expr, names);
  return names;
}

let lastIdentity = 0;
const identities = new WeakMap<object, string>();

/** A text of its own for every object: for keys of values that only ever change as a whole. */
export function identityOf(object: object): string {
  const known = identities.get(object) ?? String(++lastIdentity);
  identities.set(object, known);
  return known;
}

/** How the vectors of a tensor lie: its rows, or what stands in one column of all rows. */
export interface VectorAxis {
  readonly rowLength: number;
  readonly alongRows: boolean;
}

/** One number for every vector of a tensor, spread over the elements of that vector. */
export function vectorColumn(
  name: string,
  numbers: Float32Array,
  { rowLength, alongRows }: VectorAxis,
): ColumnSource {
  return {
    name,
    key: identityOf(numbers),
    attach: async (backend, slice) => {
      const spread = new Float32Array(slice.elementCount);
      for (const { row, column, start, end } of rowPartsOf(slice, rowLength)) {
        if (alongRows) spread.fill(numbers[row] ?? 0, start, end);
        else spread.set(numbers.subarray(column, column + end - start), start);
      }
      await backend.attach(slice, name, [spread]);
    },
  };
}

/** One value for every element of a tensor. */
export function elementColumn(name: string, values: Float32Array): ColumnSource {
  return {
    name,
    key: identityOf(values),
    attach: async (backend, slice) => {
      const { firstElement, elementCount } = slice;
      const own = values.subarray(firstElement, firstElement + elementCount);
      await backend.attach(slice, name, [own]);
    },
  };
}
