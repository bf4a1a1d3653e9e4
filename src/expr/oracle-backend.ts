import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import type { KernelValues, LoadedSlice, MergeBackend, ModelBytes, SliceInputs } from './backend';
import { chunkElements } from './backend';
import { checkColumns, checkInputs, describeSlice } from './check-inputs';
import { attachComputedOnHost } from './computed-column';
import { encodeFloats } from './decode';
import type { Expr } from './expr';
import type { Column, Precision } from './interpret';
import { Interpreter } from './interpret';
import type { Program } from './program';
import { rootsOf, unroll } from './program';
import { rankRowsOnHost } from './rank-rows';
import type { Reduction, ReductionPartial } from './reduction';

/** Elements per column: small enough for a column of every step to stay in a core's cache. */
const columnLength = 1024;

interface OracleSlice {
  readonly inputs: SliceInputs;
  readonly columns: Map<string, readonly Float32Array[]>;
}

/** The interpreter behind the interface of all back ends: the last resort, and the tests' oracle. */
export class OracleBackend implements MergeBackend {
  readonly id = 'oracle';
  readonly device = 'Plain JavaScript, 1 thread';
  readonly threadCount = 1;
  readonly maxSliceBytes = 256 * 1024 * 1024;
  readonly #slices = new Map<LoadedSlice, OracleSlice>();

  load(inputs: SliceInputs): Promise<LoadedSlice> {
    checkInputs(inputs, this.maxSliceBytes);
    const copy = ({ dtype, bytes }: ModelBytes): ModelBytes => ({ dtype, bytes: bytes.slice() });
    const slice = describeSlice(this.id, inputs);
    this.#slices.set(slice, {
      inputs: {
        ...inputs,
        base: inputs.base && copy(inputs.base),
        specialists: inputs.specialists.map(copy),
      },
      columns: new Map(),
    });
    return Promise.resolve(slice);
  }

  attach(slice: LoadedSlice, name: string, columns: readonly Float32Array[]): Promise<void> {
    checkColumns(slice, name, columns);
    const copies = columns.map((column) => column.slice());
    this.#find(slice).columns.set(name, copies);
    return Promise.resolve();
  }

  rankRows(
    slice: LoadedSlice,
    name: string,
    of: Expr<'f32'>,
    values: KernelValues,
    rowLength: number,
  ): Promise<void> {
    return rankRowsOnHost(this, slice, name, of, values, rowLength);
  }

  attachComputed(
    slice: LoadedSlice,
    name: string,
    value: Expr<'f32'>,
    values: KernelValues,
  ): Promise<void> {
    return attachComputedOnHost(this, slice, name, value, values);
  }

  detach(slice: LoadedSlice, name: string): Promise<void> {
    this.#find(slice).columns.delete(name);
    return Promise.resolve();
  }

  reduce(
    slice: LoadedSlice,
    reductions: readonly Reduction[],
    values: KernelValues,
    chunks = everyChunk(slice),
  ): Promise<readonly ReductionPartial[]> {
    const found = this.#find(slice);
    const count = slice.specialistCount;
    const partials = reductions.map((reduction) => {
      const roots = rootsOf(reduction, count);
      const program = unroll(roots, count, { lowerRandom: false });
      if (reduction.kind === 'histogram') {
        return histogramOf(program, reduction.binCount, found, values, chunks);
      }
      return chunksOf(program, reduction.kind, found, values, chunks);
    });
    return Promise.resolve(partials);
  }

  map(
    slice: LoadedSlice,
    output: Expr<'f32'>,
    values: KernelValues,
    outDtype: FloatDtype,
    model = 0,
  ): Promise<Uint8Array> {
    const program = unroll([{ expr: output, model }], slice.specialistCount, {
      lowerRandom: false,
    });
    const out = new Uint8Array(slice.elementCount * dtypeSizesBytes[outDtype]);
    forEachColumns(program, this.#find(slice), values, 'f32', ([column], start) => {
      invariant(column instanceof Float32Array, 'the output is a float');
      encodeFloats(column, outDtype, out, start);
    });
    return Promise.resolve(out);
  }

  /** The same expression in float64 throughout: what the answer would be without rounding. */
  mapExact(slice: LoadedSlice, output: Expr<'f32'>, values: KernelValues): Float64Array {
    const program = unroll([{ expr: output, model: 0 }], slice.specialistCount, {
      lowerRandom: false,
    });
    const out = new Float64Array(slice.elementCount);
    forEachColumns(program, this.#find(slice), values, 'f64', ([column], start) => {
      if (column !== undefined) out.set(column, start);
    });
    return out;
  }

  release(slice: LoadedSlice): void {
    this.#slices.delete(slice);
  }

  dispose(): void {
    this.#slices.clear();
  }

  #find(slice: LoadedSlice): OracleSlice {
    const found = this.#slices.get(slice);
    invariant(found, `the slice of ${slice.tensorName} is loaded`);
    return found;
  }
}

function forEachColumns(
  program: Program,
  { inputs, columns }: OracleSlice,
  values: KernelValues,
  precision: Precision,
  visit: (columns: Column[], start: number, place: number) => void,
  chunks = everyChunk(inputs),
): void {
  const interpreter = new Interpreter(program, columnLength, precision);
  chunks.forEach((chunk, place) => {
    const end = Math.min((chunk + 1) * chunkElements, inputs.elementCount);
    for (let start = chunk * chunkElements; start < end; start += columnLength) {
      const count = Math.min(columnLength, end - start);
      visit(interpreter.run({ inputs, columns, values }, start, count), start, place);
    }
  });
}

function everyChunk({ elementCount }: { readonly elementCount: number }): readonly number[] {
  return Array.from({ length: Math.ceil(elementCount / chunkElements) }, (_, chunk) => chunk);
}

function histogramOf(
  program: Program,
  binCount: number,
  slice: OracleSlice,
  values: KernelValues,
  chunks: readonly number[],
): ReductionPartial {
  const lists = program.outputs
    .slice(0, program.outputs.length / 2)
    .map(() => new Float64Array(binCount));
  const visit = (columns: Column[]): void => {
    lists.forEach((list, result) => {
      const bins = columns[2 * result];
      const when = columns[2 * result + 1];
      bins?.forEach((value, i) => {
        const bin = Math.min(value, binCount - 1);
        if (when?.[i] === 1) list[bin] = (list[bin] ?? 0) + 1;
      });
    });
  };
  forEachColumns(program, slice, values, 'f32', visit, chunks);
  return { lists };
}

/** Sums, maxima or counts per chunk, in the order that `Reduction` states. */
function chunksOf(
  program: Program,
  kind: 'sum' | 'max' | 'count',
  slice: OracleSlice,
  values: KernelValues,
  chunks: readonly number[],
): ReductionPartial {
  const lists = program.outputs.map(() =>
    new Float64Array(chunks.length).fill(kind === 'max' ? -Infinity : 0),
  );
  const partials = program.outputs.map(() => new Float64Array(2));
  const visit = (columns: Column[], start: number, place: number): void => {
    lists.forEach((list, result) => {
      const column = columns[result];
      const sums = partials[result];
      invariant(column && sums, 'every result has a column');
      if (kind === 'max') {
        column.forEach((value) => {
          list[place] = Math.max(list[place] as number, value);
        });
        return;
      }
      if (start % chunkElements === 0) sums.fill(0);
      addEights(column, sums);
      list[place] = (sums[0] as number) + (sums[1] as number);
    });
  };
  forEachColumns(program, slice, values, 'f32', visit, chunks);
  return { lists };
}

/** Adds every eight values to two sums. */
function addEights(column: Column, sums: Float64Array): void {
  for (let i = 0; i < column.length; i += 8) {
    const [x0 = 0, x1 = 0, x2 = 0, x3 = 0, x4 = 0, x5 = 0, x6 = 0, x7 = 0] = column.subarray(
      i,
      i + 8,
    );
    sums[0] = (sums[0] as number) + (x0 + x4 + (x1 + x5));
    sums[1] = (sums[1] as number) + (x2 + x6 + (x3 + x7));
  }
}
