import type { Lanes, WasmCode } from './wasm-code';
import { lanes } from './wasm-ops';
import type { Half, StepWriter } from './wasm-steps';
import { halves, runParameters, stepElements } from './wasm-steps';

/** A local for each half of the turn. */
export type Pair = readonly [number, number];

function pairOf(code: WasmCode): Pair {
  return [code.local('v128'), code.local('v128')];
}

/** All ones in the lanes whose element lies before `end`. */
export class TailMask {
  readonly masks: Pair;
  readonly #code: WasmCode;
  readonly #position: number;
  readonly #end: number;

  constructor(code: WasmCode) {
    this.#code = code;
    this.masks = pairOf(code);
    this.#position = code.local('v128');
    this.#end = code.local('v128');
  }

  writeStart(): void {
    const { first, end } = runParameters;
    this.#code.get(first).vec('i32x4Splat').v128([0, 2, 4, 6]).vec('i32x4Add');
    this.#code.set(this.#position).get(end).vec('i32x4Splat').set(this.#end);
  }

  writeMasks(): void {
    const [even, odd] = this.masks;
    this.#code.get(this.#position).get(this.#end).vec('i32x4LtS').set(even);
    this.#code.get(this.#position).v128(lanes(1)).vec('i32x4Add');
    this.#code.get(this.#end).vec('i32x4LtS').set(odd);
  }

  writeAdvance(): void {
    this.#code.get(this.#position).v128(lanes(stepElements)).vec('i32x4Add').set(this.#position);
  }
}

/** One result of a reduction, as it grows during the loop. */
export interface Accumulator {
  writeStart?(): void;
  /** Takes in the elements of a turn; lanes outside the masks, if there are any, do not count. */
  writeAdd(writer: StepWriter, masks: Pair | undefined): void;
  /** Stores the result at `out` + offset. */
  writeEnd?(offsetBytes: number): void;
}

type AccumulatorOf = (code: WasmCode, output: number) => Accumulator;

export const accumulators: Record<'sum' | 'max' | 'count', AccumulatorOf> = {
  sum: (code, output) => {
    const sums = code.local('v128');
    const value = code.local('v128');
    return {
      writeAdd(writer, masks) {
        code.get(sums);
        for (const half of halves) {
          writer.push(output, half);
          if (masks !== undefined) code.get(masks[half]).vec('v128And');
          code.tee(value).vec('f64x2PromoteLowF32x4');
          code.highHalf(value).vec('f64x2PromoteLowF32x4').vec('f64x2Add');
        }
        code.vec('f64x2Add').vec('f64x2Add').set(sums);
      },
      writeEnd(offsetBytes) {
        code.get(runParameters.out).get(sums).f64x2ExtractLane(0).get(sums).f64x2ExtractLane(1);
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
      writeAdd(writer, masks) {
        for (const half of halves) {
          code.get(largest);
          writer.push(output, half);
          if (masks !== undefined) code.v128(nothing).get(masks[half]).vec('v128Bitselect');
          code.vec('f32x4Max').set(largest);
        }
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
      writeAdd(writer, masks) {
        for (const half of halves) {
          // A true lane is -1.
          code.get(counts);
          writer.push(output, half);
          if (masks !== undefined) code.get(masks[half]).vec('v128And');
          code.vec('i32x4Sub').set(counts);
        }
      },
      writeEnd(offsetBytes) {
        code.get(runParameters.out).get(counts).i32x4ExtractLane(0);
        for (const lane of [1, 2, 3]) code.get(counts).i32x4ExtractLane(lane).op('i32Add');
        code.op('f64ConvertI32U').f64Store(offsetBytes);
      },
    };
  },
};

/**
 * Counters that take in what belongs to no bin, one for every place of a turn, so that no addition
 * waits for the one before it; after the bins of all histograms.
 */
export const spareBinCount = stepElements;

/**
 * Adds one to a counter per element. A turn without a member is skipped; in any other every element
 * counts somewhere, because a jump that is hard to foresee costs more than an addition.
 */
export class HistogramWriter {
  readonly #code: WasmCode;
  readonly #binCount: number;
  readonly #firstBin: number;
  readonly #binTotal: number;

  constructor(code: WasmCode, binCount: number, firstBin: number, binTotal: number) {
    this.#code = code;
    this.#binCount = binCount;
    this.#firstBin = firstBin;
    this.#binTotal = binTotal;
  }

  of(binOutput: number, whenOutput: number): Accumulator {
    const code = this.#code;
    const offsets = pairOf(code);
    const active = pairOf(code);
    const address = code.local('i32');
    const total = this.#binTotal;
    const spareOf = (half: Half): Lanes => {
      const first = 4 * (total + 4 * half);
      return [first, first + 4, first + 8, first + 12];
    };
    const increment = (offset: number, lane: number): void => {
      code.get(runParameters.bins).get(offset).i32x4ExtractLane(lane).op('i32Add');
      code.tee(address).get(address).i32Load(0).i32(1).op('i32Add').i32Store(0);
    };
    return {
      writeAdd: (writer, masks) => {
        for (const half of halves) {
          writer.push(binOutput, half);
          code
            .v128(lanes(this.#binCount - 1))
            .vec('i32x4MinU')
            .i32(2)
            .vec('i32x4Shl');
          code
            .v128(lanes(4 * this.#firstBin))
            .vec('i32x4Add')
            .set(offsets[half]);
          writer.push(whenOutput, half);
          if (masks !== undefined) code.get(masks[half]).vec('v128And');
          code.set(active[half]);
        }
        code.get(active[0]).get(active[1]).vec('v128Or').vec('v128AnyTrue');
        code.when(() => {
          for (const half of halves) {
            code.get(offsets[half]).v128(spareOf(half)).get(active[half]).vec('v128Bitselect');
            code.set(offsets[half]);
            for (const lane of [0, 1, 2, 3]) increment(offsets[half], lane);
          }
        });
      },
    };
  }
}
