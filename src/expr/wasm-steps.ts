import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import { f32ToBits } from '../core/float-bits';
import type { ValueType } from './expr';
import type { InputLayout } from './input-layout';
import type { Program, Step } from './program';
import type { VectorOp, WasmCode } from './wasm-code';

/** A number the host writes into the parameter block before a run. */
export interface NamedValue {
  readonly kind: 'scalar' | 'perModel';
  readonly name: string;
  readonly model: number;
  readonly type: ValueType;
}

/** A computed input that a kernel reads; its address stands in the block after those of the inputs. */
export interface ColumnUse {
  readonly name: string;
  /** The specialist it belongs to; 0 for a column that all share. */
  readonly model: number;
}

/** Words of the parameter block before the named values, after the addresses of what is read. */
export const blockWords = { firstElement: 0, seed: 1, tensorKey: 2, named: 3 } as const;

/** Local variables that `run` of every kernel has as parameters. */
export const runParameters = { block: 0, first: 1, end: 2, out: 3, bins: 4 } as const;
export const runParameterCount = 5;

/**
 * Writes a program as vector code for four elements at a time. Whatever is the same for all
 * elements is computed before the loop; a step used more than once gets a local variable.
 */
export class StepWriter {
  readonly namedValues: NamedValue[] = [];
  readonly columns: readonly ColumnUse[];
  readonly #code: WasmCode;
  readonly #program: Program;
  readonly #layout: InputLayout;
  /** Of one element of every input, then of every column. */
  readonly #sizesBytes: readonly number[];
  readonly #pointers: readonly number[];
  readonly #locals = new Map<number, number>();
  readonly #isInvariant: readonly boolean[];
  readonly #useCounts: readonly number[];
  #indexLocal: number | undefined;

  constructor(code: WasmCode, program: Program, layout: InputLayout) {
    this.#code = code;
    this.#program = program;
    this.#layout = layout;
    this.columns = program.steps
      .filter(({ op }) => op === 'column')
      .map(({ name, model }) => ({ name, model }));
    this.#sizesBytes = [
      ...layout.dtypes.map((dtype) => dtypeSizesBytes[dtype]),
      ...this.columns.map(() => 4),
    ];
    this.#pointers = this.#sizesBytes.map(() => code.local('i32'));
    this.#isInvariant = invariantSteps(program);
    this.#useCounts = useCountsOf(program);
  }

  /** Code before the loop: addresses of the first elements, and everything invariant. */
  writeStart(): void {
    const { block, first } = runParameters;
    this.#sizesBytes.forEach((sizeBytes, input) => {
      const pointer = this.#pointers[input] ?? 0;
      this.#code.get(block).i32Load(4 * input);
      this.#code.get(first).i32(sizeBytes).op('i32Mul').op('i32Add').set(pointer);
    });
    if (this.#program.steps.some(({ op }) => op === 'elementIndex')) {
      this.#indexLocal = this.#code.local('v128');
      this.#code.get(block).i32Load(this.#wordOffset('firstElement')).get(first).op('i32Add');
      this.#code.vec('i32x4Splat').v128([0, 1, 2, 3]).vec('i32x4Add').set(this.#indexLocal);
    }
    this.#program.steps.forEach((_, index) => {
      if (this.#isInvariant[index] !== true) return;
      this.#writeStep(index);
      const local = this.#code.local('v128');
      this.#code.set(local);
      this.#locals.set(index, local);
    });
  }

  /** Puts the value of a step on the stack. */
  push(index: number): void {
    const local = this.#locals.get(index);
    if (local !== undefined) {
      this.#code.get(local);
      return;
    }
    this.#writeStep(index);
    if ((this.#useCounts[index] ?? 0) > 1) {
      const shared = this.#code.local('v128');
      this.#code.tee(shared);
      this.#locals.set(index, shared);
    }
  }

  /** Code at the end of the loop: on to the next four elements. */
  writeAdvance(): void {
    this.#sizesBytes.forEach((sizeBytes, input) => {
      const pointer = this.#pointers[input] ?? 0;
      this.#code
        .get(pointer)
        .i32(4 * sizeBytes)
        .op('i32Add')
        .set(pointer);
    });
    if (this.#indexLocal !== undefined) {
      this.#code.get(this.#indexLocal).v128([4, 4, 4, 4]).vec('i32x4Add').set(this.#indexLocal);
    }
  }

  #wordOffset(word: keyof typeof blockWords): number {
    return 4 * (this.#pointers.length + blockWords[word]);
  }

  #writeStep(index: number): void {
    const step = this.#program.steps[index];
    invariant(step, 'the step exists');
    const code = this.#code;
    const { block } = runParameters;
    switch (step.op) {
      case 'base':
        this.#writeLoad(0);
        return;
      case 'specialist':
        this.#writeLoad(step.model + (this.#layout.hasBase ? 1 : 0));
        return;
      case 'column':
        this.#writeColumn(step);
        return;
      case 'constant': {
        const word = constantWord(step);
        code.v128([word, word, word, word]);
        return;
      }
      case 'scalar':
      case 'perModel': {
        const { op: kind, name, model, type } = step;
        this.namedValues.push({ kind, name, model, type });
        const word = this.namedValues.length - 1;
        code.get(block).v128Load32Splat(this.#wordOffset('named') + 4 * word);
        return;
      }
      case 'seed':
      case 'tensorKey':
        code.get(block).v128Load32Splat(this.#wordOffset(step.op));
        return;
      case 'elementIndex':
        invariant(this.#indexLocal !== undefined, 'the index is prepared before the loop');
        code.get(this.#indexLocal);
        return;
      case 'randomBits':
        throw new Error('MergeLab bug: random bits are not lowered');
      default:
        this.#writeOperation(step);
    }
  }

  #writeLoad(input: number): void {
    const pointer = this.#pointers[input];
    invariant(pointer !== undefined, 'the slice has the models the program reads');
    const code = this.#code;
    code.get(pointer);
    const dtype = this.#layout.dtypes[input];
    if (dtype === 'F32') {
      code.v128Load();
      return;
    }
    code.v128Load16x4U();
    if (dtype === 'BF16') code.i32(16).vec('i32x4Shl');
    else this.#widenF16();
  }

  #writeColumn({ name, model }: Step): void {
    const column = this.columns.findIndex((use) => use.name === name && use.model === model);
    const pointer = this.#pointers[this.#layout.dtypes.length + column];
    invariant(column >= 0 && pointer !== undefined, 'every column has a pointer');
    this.#code.get(pointer).v128Load();
  }

  /** From four u16 on the stack to four f32: exponent moved by a multiplication, which is exact. */
  #widenF16(): void {
    const code = this.#code;
    const half = code.local('v128');
    const magnitude = code.local('v128');
    code.tee(half).v128(lanes(0x7fff)).vec('v128And').i32(13).vec('i32x4Shl').tee(magnitude);
    code.v128(lanes(0x77800000)).vec('f32x4Mul'); // 2^112
    // Infinity and NaN have all exponent bits.
    code.get(magnitude).v128(lanes(0x0f800000)).vec('i32x4GeU');
    code.v128(lanes(0x7f800000)).vec('v128And').vec('v128Or');
    code.get(half).v128(lanes(0x8000)).vec('v128And').i32(16).vec('i32x4Shl').vec('v128Or');
  }

  #writeOperation(step: Step): void {
    const [a = 0, b = 0, c = 0] = step.args;
    const code = this.#code;
    const isFloat = this.#program.steps[a]?.type === 'f32';
    if (step.op === 'select') {
      this.push(b);
      this.push(c);
      this.push(a);
      code.vec('v128Bitselect');
      return;
    }
    this.push(a);
    switch (step.op) {
      case 'bits':
      case 'fromBits':
        return;
      case 'not':
        code.vec('v128Not');
        return;
      case 'shiftLeft':
        code.i32(step.value).vec('i32x4Shl');
        return;
      case 'shiftRight':
        code.i32(step.value).vec('i32x4ShrU');
        return;
      case 'toF32':
        if (this.#program.steps[a]?.type === 'bool') code.v128(lanes(one)).vec('v128And');
        else code.vec('f32x4ConvertI32x4U');
        return;
      case 'sign': {
        const value = code.local('v128');
        code.tee(value).v128(lanes(0)).vec('f32x4Gt').v128(lanes(one)).vec('v128And');
        code.get(value).v128(lanes(0)).vec('f32x4Lt').v128(lanes(minusOne)).vec('v128And');
        code.vec('v128Or');
        return;
      }
      default: {
        if (step.args.length > 1) this.push(b);
        const name = (isFloat ? floatOps : wordOps)[step.op] ?? maskOps[step.op];
        invariant(name, `WebAssembly has ${step.op}`);
        code.vec(name);
      }
    }
  }
}

const one = 0x3f800000;
const minusOne = 0xbf800000;

const floatOps: Partial<Record<Step['op'], VectorOp>> = {
  add: 'f32x4Add',
  sub: 'f32x4Sub',
  mul: 'f32x4Mul',
  div: 'f32x4Div',
  min: 'f32x4Min',
  max: 'f32x4Max',
  negate: 'f32x4Neg',
  abs: 'f32x4Abs',
  sqrt: 'f32x4Sqrt',
  floor: 'f32x4Floor',
  eq: 'f32x4Eq',
  ne: 'f32x4Ne',
  lt: 'f32x4Lt',
  le: 'f32x4Le',
  gt: 'f32x4Gt',
  ge: 'f32x4Ge',
};

const wordOps: Partial<Record<Step['op'], VectorOp>> = {
  add: 'i32x4Add',
  sub: 'i32x4Sub',
  mul: 'i32x4Mul',
  min: 'i32x4MinU',
  max: 'i32x4MaxU',
  eq: 'i32x4Eq',
  ne: 'i32x4Ne',
  lt: 'i32x4LtU',
  le: 'i32x4LeU',
  gt: 'i32x4GtU',
  ge: 'i32x4GeU',
};

/** The same for words and for masks of all ones or zeros. */
const maskOps: Partial<Record<Step['op'], VectorOp>> = {
  and: 'v128And',
  or: 'v128Or',
  xor: 'v128Xor',
};

export function lanes(word: number): [number, number, number, number] {
  return [word, word, word, word];
}

function constantWord({ type, value }: Step): number {
  if (type === 'f32') return f32ToBits(value);
  if (type === 'bool') return value === 1 ? 0xffffffff : 0;
  return value;
}

const varyingLeaves: readonly Step['op'][] = [
  'base',
  'specialist',
  'column',
  'elementIndex',
  'randomBits',
];

function invariantSteps({ steps }: Program): readonly boolean[] {
  const isInvariant: boolean[] = [];
  for (const { op, args } of steps) {
    isInvariant.push(!varyingLeaves.includes(op) && args.every((arg) => isInvariant[arg] === true));
  }
  return isInvariant;
}

function useCountsOf({ steps, outputs }: Program): readonly number[] {
  const counts = steps.map(() => 0);
  for (const arg of [...steps.flatMap(({ args }) => args), ...outputs]) {
    counts[arg] = (counts[arg] ?? 0) + 1;
  }
  return counts;
}
