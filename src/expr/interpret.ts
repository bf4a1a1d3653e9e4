import { invariant } from '../core/errors';
import type { KernelValues, SliceInputs } from './backend';
import { decodeFloats } from './decode';
import type { Program, Step } from './program';
import { randomWord } from './random-bits';

/** `f32` rounds after every operation, as WASM does; `f64` shows what rounding alone changes. */
export type Precision = 'f32' | 'f64';

/** f32 steps hold floats, u32 steps words, bool steps bytes of 0 or 1. */
export type Column = Float32Array | Float64Array | Uint32Array | Uint8Array;

/** The inputs of a slice and the numbers that go with them. */
export interface Surroundings {
  readonly inputs: SliceInputs;
  /** What was attached to the slice, by name: one array, or one per specialist. */
  readonly columns: ReadonlyMap<string, readonly Float32Array[]>;
  readonly values: KernelValues;
}

/**
 * The oracle: carries out a program step by step on columns of elements, in plain JavaScript. Slow
 * and meant to be read; the other back ends are tested against it.
 */
export class Interpreter {
  readonly #program: Program;
  readonly #columns: readonly Column[];

  constructor(program: Program, columnLength: number, precision: Precision = 'f32') {
    this.#program = program;
    const Floats = precision === 'f32' ? Float32Array : Float64Array;
    this.#columns = program.steps.map(({ type }) => {
      if (type === 'f32') return new Floats(columnLength);
      return type === 'u32' ? new Uint32Array(columnLength) : new Uint8Array(columnLength);
    });
  }

  /**
   * Evaluates elements [start, start + count) of the slice.
   * @returns one column per output, valid until the next call
   */
  run(around: Surroundings, start: number, count: number): Column[] {
    const columns = this.#columns.map((column) => column.subarray(0, count));
    this.#program.steps.forEach((step, index) => {
      const out = columns[index];
      invariant(out, 'every step has a column');
      const args = step.args.map((arg) => columns[arg] ?? out);
      this.#runStep(step, out, args, around, start);
    });
    return this.#program.outputs.map((output) => {
      const column = columns[output];
      invariant(column, 'every output is a step');
      return column;
    });
  }

  #runStep(
    step: Step,
    out: Column,
    args: readonly Column[],
    { inputs, columns, values }: Surroundings,
    start: number,
  ): void {
    const [a = out, b = out, c = out] = args;
    const first = inputs.firstElement + start;
    switch (step.op) {
      case 'base':
      case 'specialist': {
        const model = step.op === 'base' ? inputs.base : inputs.specialists[step.model];
        invariant(model, 'the slice has the models the program reads');
        invariant(out instanceof Float32Array || out instanceof Float64Array, 'weights are floats');
        decodeFloats(model, start, out);
        return;
      }
      case 'column': {
        const attached = columns.get(step.name)?.[step.model];
        invariant(attached, `the kernel reads column ${step.name}, which is not attached`);
        out.set(attached.subarray(start, start + out.length));
        return;
      }
      case 'constant':
        out.fill(step.value);
        return;
      case 'scalar':
        out.fill(numberOf(values.scalars[step.name], step.name));
        return;
      case 'perModel':
        out.fill(numberOf(values.perModel[step.name]?.[step.model], step.name));
        return;
      case 'seed':
        out.fill(values.seed);
        return;
      case 'tensorKey':
        out.fill(inputs.tensorKey);
        return;
      case 'elementIndex':
        for (let i = 0; i < out.length; i++) out[i] = first + i;
        return;
      case 'randomBits':
        for (let i = 0; i < out.length; i++) {
          out[i] = randomWord(step.value, first + i, step.model, inputs.tensorKey, values.seed);
        }
        return;
      case 'select':
        for (let i = 0; i < out.length; i++) out[i] = at(a, i) === 1 ? at(b, i) : at(c, i);
        return;
      case 'bits': {
        // In float64 mode too: the bits are those of the value rounded to float32.
        const single = new Float32Array(a);
        out.set(new Uint32Array(single.buffer));
        return;
      }
      case 'fromBits': {
        const words = new Uint32Array(a);
        out.set(new Float32Array(words.buffer));
        return;
      }
      default: {
        const operate = operationOf(step, a instanceof Uint32Array);
        for (let i = 0; i < out.length; i++) out[i] = operate(at(a, i), at(b, i));
      }
    }
  }
}

function at(column: Column, index: number): number {
  return column[index] as number;
}

/** Values given as f32 are rounded by the column they are written to. */
function numberOf(value: number | undefined, name: string): number {
  invariant(value !== undefined, `the kernel reads ${name}, which has no value`);
  return value;
}

type Operation = (a: number, b: number) => number;

/** Storing into the column rounds to float32 or wraps to 32 bits. */
function operationOf(step: Step, isWord: boolean): Operation {
  const { op, value } = step;
  if (op === 'shiftLeft') return (a) => a << value;
  if (op === 'shiftRight') return (a) => a >>> value;
  // The product of two 32-bit words does not fit a float64.
  if (op === 'mul' && isWord) return Math.imul;
  const operation = operations[op];
  invariant(operation, `the interpreter knows ${op}`);
  return operation;
}

const operations: Partial<Record<Step['op'], Operation>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a === b ? 0 : 1),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => 1 - a,
  toF32: (a) => a,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  negate: (a) => -a,
  abs: (a) => Math.abs(a),
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  sqrt: (a) => Math.sqrt(a),
  floor: (a) => Math.floor(a),
};
