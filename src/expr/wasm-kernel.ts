import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import type { Expr } from './expr';
import type { InputLayout } from './input-layout';
import { specialistCountOf } from './input-layout';
import { rootsOf, unroll } from './program';
import type { Reduction } from './reduction';
import { storedWord } from './rounding';
import type { Accumulator } from './wasm-accumulators';
import { accumulators, HistogramWriter, TailMask } from './wasm-accumulators';
import type { MemoryShape } from './wasm-code';
import { encodeModule, WasmCode } from './wasm-code';
import type { ColumnUse, NamedValue } from './wasm-steps';
import { halves, runParameterCount, runParameters, stepElements, StepWriter } from './wasm-steps';

/**
 * A compiled expression: a WebAssembly module whose `run(block, first, end, out, bins)` works on
 * elements [first, end) of a slice. `block` is the address of the parameter block; `first` is a
 * multiple of eight. Every input and the output must be readable, or writable, up to the next
 * multiple of eight elements.
 */
export interface WasmKernel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly namedValues: readonly NamedValue[];
  readonly columns: readonly ColumnUse[];
}

/**
 * `out` is the address of element 0 of the output; `bins` is not used.
 * @param model the model at hand outside folds
 */
export function compileMap(
  output: Expr<'f32'>,
  outDtype: FloatDtype,
  layout: InputLayout,
  memory: MemoryShape,
  model = 0,
): WasmKernel {
  const root = { expr: storedWord(output, outDtype), model };
  const program = unroll([root], specialistCountOf(layout), { lowerRandom: true });
  const code = new WasmCode(runParameterCount);
  const writer = new StepWriter(code, program, layout);
  const { first, end, out } = runParameters;
  const sizeBytes = dtypeSizesBytes[outDtype];

  const output0 = program.outputs[0] ?? 0;

  writer.writeStart();
  code.get(out).get(first).i32(sizeBytes).op('i32Mul').op('i32Add').set(out);
  code.whileBelow(first, end, () => {
    writeStored(code, writer, output0, outDtype);
    code
      .get(out)
      .i32(stepElements * sizeBytes)
      .op('i32Add')
      .set(out);
    code.get(first).i32(stepElements).op('i32Add').set(first);
    writer.writeAdvance();
  });
  return finish(code, writer, memory);
}

/** Computes both halves and stores them in the order of the elements. */
function writeStored(
  code: WasmCode,
  writer: StepWriter,
  output: number,
  outDtype: FloatDtype,
): void {
  const { out } = runParameters;
  const [even, odd] = halves.map((half) => {
    const words = code.local('v128');
    writer.push(output, half);
    code.set(words);
    return words;
  }) as [number, number];
  if (outDtype === 'F32') {
    code.get(out).get(even).get(odd).shuffleWords([0, 4, 1, 5]).v128Store(0);
    code.get(out).get(even).get(odd).shuffleWords([2, 6, 3, 7]).v128Store(16);
    return;
  }
  // Words below 65536.
  code.get(out).get(even).get(odd).i32(16).vec('i32x4Shl').vec('v128Or').v128Store(0);
}

/** What a reduction kernel leaves behind. */
export interface ReduceKernel extends WasmKernel {
  /** float64 results that `run` writes to `out`, in the order of the reductions. */
  readonly resultCount: number;
  /**
   * u32 counters that `run` adds to at `bins`, in the order of the reductions; `spareBinCount` more
   * follow, whose values mean nothing.
   */
  readonly binTotal: number;
}

/**
 * Computes all reductions in one pass over [first, end), which must lie in one chunk for sums.
 * @param isEven that `end` is always a multiple of eight, so that no element has to be left out
 */
export function compileReduce(
  reductions: readonly Reduction[],
  layout: InputLayout,
  memory: MemoryShape,
  isEven: boolean,
): ReduceKernel {
  const count = specialistCountOf(layout);
  const rootLists = reductions.map((reduction) => rootsOf(reduction, count));
  const program = unroll(rootLists.flat(), count, { lowerRandom: true });
  const code = new WasmCode(runParameterCount);
  const writer = new StepWriter(code, program, layout);
  const { first, end } = runParameters;
  const tail = isEven ? undefined : new TailMask(code);

  writer.writeStart();
  tail?.writeStart();
  const results: Accumulator[] = [];
  const binTotal = reductions.reduce((total, reduction, index) => {
    if (reduction.kind !== 'histogram') return total;
    return total + (reduction.binCount * (rootLists[index]?.length ?? 0)) / 2;
  }, 0);
  let firstBin = 0;
  let output = 0;
  const outputs = (): number => program.outputs[output++] ?? 0;
  for (const [index, reduction] of reductions.entries()) {
    const rootCount = rootLists[index]?.length ?? 0;
    if (reduction.kind === 'histogram') {
      for (let result = 0; result < rootCount / 2; result++) {
        const histogram = new HistogramWriter(code, reduction.binCount, firstBin, binTotal);
        results.push(histogram.of(outputs(), outputs()));
        firstBin += reduction.binCount;
      }
      continue;
    }
    for (let result = 0; result < rootCount; result++) {
      results.push(accumulators[reduction.kind](code, outputs()));
    }
  }
  for (const result of results) result.writeStart?.();
  code.whileBelow(first, end, () => {
    tail?.writeMasks();
    for (const result of results) result.writeAdd(writer, tail?.masks);
    code.get(first).i32(stepElements).op('i32Add').set(first);
    tail?.writeAdvance();
    writer.writeAdvance();
  });
  const numbers = results.filter((result) => result.writeEnd !== undefined);
  numbers.forEach((result, position) => result.writeEnd?.(8 * position));
  return { ...finish(code, writer, memory), resultCount: numbers.length, binTotal };
}

function finish(code: WasmCode, writer: StepWriter, memory: MemoryShape): WasmKernel {
  const bytes = encodeModule(code, runParameterCount, memory);
  invariant(bytes.length < 1024 * 1024, 'a kernel is small');
  return { bytes, namedValues: writer.namedValues, columns: writer.columns };
}
