import type { FloatDtype } from '../core/dtype';
import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import type { Expr } from './expr';
import type { InputLayout } from './input-layout';
import { specialistCountOf } from './input-layout';
import { rootsOf, unroll } from './program';
import type { Reduction } from './reduction';
import { storedWord } from './rounding';
import type { MemoryShape } from './wasm-code';
import { encodeModule, WasmCode } from './wasm-code';
import type { ColumnUse, NamedValue } from './wasm-steps';
import { lanes, runParameterCount, runParameters, StepWriter } from './wasm-steps';

/**
 * A compiled expression: a WebAssembly module whose `run(block, first, end, out, bins)` works on
 * elements [first, end) of a slice. `block` is the address of the parameter block; `first` is a
 * multiple of four. Every input and the output must be readable, or writable, up to the next
 * multiple of four elements.
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

  writer.writeStart();
  code.get(out).get(first).i32(sizeBytes).op('i32Mul').op('i32Add').set(out);
  code.whileBelow(first, end, () => {
    code.get(out);
    writer.push(program.outputs[0] ?? 0);
    if (outDtype === 'F32') code.v128Store();
    else narrowAndStore(code);
    code
      .get(out)
      .i32(4 * sizeBytes)
      .op('i32Add')
      .set(out);
    code.get(first).i32(4).op('i32Add').set(first);
    writer.writeAdvance();
  });
  return finish(code, writer, memory);
}

/** Four words below 65536 to four u16; the address lies under them. */
function narrowAndStore(code: WasmCode): void {
  const words = code.local('v128');
  code.tee(words).get(words).vec('i16x8NarrowI32x4U').v128Store64Lane0();
}

/** What a reduction kernel leaves behind. */
export interface ReduceKernel extends WasmKernel {
  /** float64 results that `run` writes to `out`, in the order of the reductions. */
  readonly resultCount: number;
  /** u32 counters that `run` adds to at `bins`, in the order of the reductions. */
  readonly binTotal: number;
}

/** Computes all reductions in one pass over [first, end), which must lie in one chunk for sums. */
export function compileReduce(
  reductions: readonly Reduction[],
  layout: InputLayout,
  memory: MemoryShape,
): ReduceKernel {
  const count = specialistCountOf(layout);
  const rootLists = reductions.map((reduction) => rootsOf(reduction, count));
  const program = unroll(rootLists.flat(), count, { lowerRandom: true });
  const code = new WasmCode(runParameterCount);
  const writer = new StepWriter(code, program, layout);
  const { first, end } = runParameters;
  const tail = new TailMask(code);

  writer.writeStart();
  tail.writeStart();
  const results: Accumulator[] = [];
  let binTotal = 0;
  let output = 0;
  const outputs = (): number => program.outputs[output++] ?? 0;
  for (const [index, reduction] of reductions.entries()) {
    const rootCount = rootLists[index]?.length ?? 0;
    if (reduction.kind === 'histogram') {
      for (let result = 0; result < rootCount / 2; result++) {
        const histogram = new HistogramWriter(code, reduction.binCount, binTotal);
        results.push(histogram.of(outputs(), outputs()));
        binTotal += reduction.binCount;
      }
      continue;
    }
    for (let result = 0; result < rootCount; result++) {
      results.push(accumulators[reduction.kind](code, outputs()));
    }
  }
  for (const result of results) result.writeStart?.();
  code.whileBelow(first, end, () => {
    tail.writeMask();
    for (const result of results) result.writeAdd(writer, tail.mask);
    code.get(first).i32(4).op('i32Add').set(first);
    tail.writeAdvance();
    writer.writeAdvance();
  });
  const numbers = results.filter((result) => result.writeEnd !== undefined);
  numbers.forEach((result, position) => result.writeEnd?.(8 * position));
  return { ...finish(code, writer, memory), resultCount: numbers.length, binTotal };
}

/** All ones in the lanes whose element lies before `end`. */
class TailMask {
  readonly mask: number;
  readonly #code: WasmCode;
  readonly #position: number;
  readonly #end: number;

  constructor(code: WasmCode) {
    this.#code = code;
    this.mask = code.local('v128');
    this.#position = code.local('v128');
    this.#end = code.local('v128');
  }

  writeStart(): void {
    const { first, end } = runParameters;
    this.#code.get(first).vec('i32x4Splat').v128([0, 1, 2, 3]).vec('i32x4Add');
    this.#code.set(this.#position).get(end).vec('i32x4Splat').set(this.#end);
  }

  writeMask(): void {
    this.#code.get(this.#position).get(this.#end).vec('i32x4LtU').set(this.mask);
  }

  writeAdvance(): void {
    this.#code.get(this.#position).v128(lanes(4)).vec('i32x4Add').set(this.#position);
  }
}

interface Accumulator {
  writeStart?(): void;
  /** Takes in four elements; lanes outside `mask` do not count. */
  writeAdd(writer: StepWriter, mask: number): void;
  /** Stores the result at `out` + offset. */
  writeEnd?(offsetBytes: number): void;
}

type AccumulatorOf = (code: WasmCode, output: number) => Accumulator;

const accumulators: Record<'sum' | 'max' | 'count', AccumulatorOf> = {
  sum: (code, output) => {
    const low = code.local('v128');
    const high = code.local('v128');
    const value = code.local('v128');
    return {
      writeAdd(writer, mask) {
        writer.push(output);
        code.get(mask).vec('v128And').set(value);
        code.get(low).get(value).vec('f64x2PromoteLowF32x4').vec('f64x2Add').set(low);
        code.get(high).highHalf(value).vec('f64x2PromoteLowF32x4').vec('f64x2Add').set(high);
      },
      writeEnd(offsetBytes) {
        code.get(runParameters.out);
        code.get(low).f64x2ExtractLane(0).get(low).f64x2ExtractLane(1).op('f64Add');
        code.get(high).f64x2ExtractLane(0).get(high).f64x2ExtractLane(1).op('f64Add');
        code.op('f64Add').f64Store(offsetBytes);
      },
    };
  },
  max: (code, output) => {
    const largest = code.local('v128');
    const nothing = lanes(0xff800000); // -Infinity
    return {
      writeStart() {
        code.v128(nothing).set(largest);
      },
      writeAdd(writer, mask) {
        code.get(largest);
        writer.push(output);
        code.v128(nothing).get(mask).vec('v128Bitselect').vec('f32x4Max').set(largest);
      },
      writeEnd(offsetBytes) {
        code.get(runParameters.out).get(largest).f32x4ExtractLane(0);
        for (const lane of [1, 2, 3]) code.get(largest).f32x4ExtractLane(lane).op('f32Max');
        code.op('f64PromoteF32').f64Store(offsetBytes);
      },
    };
  },
  count: (code, output) => {
    const counts = code.local('v128');
    return {
      writeAdd(writer, mask) {
        // A true lane is -1.
        code.get(counts);
        writer.push(output);
        code.get(mask).vec('v128And').vec('i32x4Sub').set(counts);
      },
      writeEnd(offsetBytes) {
        code.get(runParameters.out).get(counts).i32x4ExtractLane(0);
        for (const lane of [1, 2, 3]) code.get(counts).i32x4ExtractLane(lane).op('i32Add');
        code.op('f64ConvertI32U').f64Store(offsetBytes);
      },
    };
  },
};

/** Adds one to a counter per element, lane by lane; most vectors of a later radix pass have none. */
class HistogramWriter {
  readonly #code: WasmCode;
  readonly #binCount: number;
  readonly #firstBin: number;

  constructor(code: WasmCode, binCount: number, firstBin: number) {
    this.#code = code;
    this.#binCount = binCount;
    this.#firstBin = firstBin;
  }

  of(binOutput: number, whenOutput: number): Accumulator {
    const code = this.#code;
    const bin = code.local('v128');
    const active = code.local('i32');
    const increment = (lane: number): void => {
      const address = code.local('i32');
      code.get(runParameters.bins).get(bin).i32x4ExtractLane(lane).i32(2).op('i32Shl');
      code
        .op('i32Add')
        .tee(address)
        .get(address)
        .i32Load(4 * this.#firstBin);
      code
        .i32(1)
        .op('i32Add')
        .i32Store(4 * this.#firstBin);
    };
    return {
      writeAdd: (writer, mask) => {
        writer.push(binOutput);
        code
          .v128(lanes(this.#binCount - 1))
          .vec('i32x4MinU')
          .set(bin);
        writer.push(whenOutput);
        code.get(mask).vec('v128And').vec('i32x4Bitmask').tee(active);
        code.when(() => {
          code.get(active).i32(15).op('i32Eq');
          code.when(
            () => {
              for (const lane of [0, 1, 2, 3]) increment(lane);
            },
            () => {
              for (const lane of [0, 1, 2, 3]) {
                code
                  .get(active)
                  .i32(1 << lane)
                  .op('i32And');
                code.when(() => {
                  increment(lane);
                });
              }
            },
          );
        });
      },
    };
  }
}

function finish(code: WasmCode, writer: StepWriter, memory: MemoryShape): WasmKernel {
  const bytes = encodeModule(code, runParameterCount, memory);
  invariant(bytes.length < 1024 * 1024, 'a kernel is small');
  return { bytes, namedValues: writer.namedValues, columns: writer.columns };
}
