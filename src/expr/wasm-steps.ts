import { dtypeSizesBytes } from '../core/dtype';
import { invariant } from '../core/errors';
import { f32ToBits } from '../core/float-bits';
import type { ValueType } from './expr';
import type { InputLayout } from './input-layout';
import type { Program, Step } from './program';
import { useCountsOf } from './step-analysis';
import type { WasmCode } from './wasm-code';
import {
  constantWord,
  floatOps,
  lanes,
  largestSigned,
  maskOps,
  minusOne,
  one,
  signBit,
  signedOrders,
  wordOps,
} from './wasm-ops';
import { fractionCount, Shortcuts } from './wasm-shortcuts';

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
 * Elements of one turn of a kernel's loop. They are worked on as two vectors, those at even places
 * and those at odd ones, because a vector of eight 16-bit weights falls apart that way at the price
 * of a shift and a mask.
 */
export const stepElements = 8;
/** 0 for the elements at even places of the turn, 1 for the odd ones. */
export type Half = 0 | 1;
export const halves = [0, 1] as const;

/**
 * Writes a program as vector code for eight elements at a time. Whatever is the same for all
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
  /** Of what is the same for all elements, and of either half of the turn. */
  readonly #shared = new Map<number, number>();
  readonly #locals = [new Map<number, number>(), new Map<number, number>()] as const;
  readonly #useCounts: readonly number[];
  readonly #shortcuts: Shortcuts;
  /** Locals with words made ready for a signed comparison, as `#shared` and `#locals`. */
  readonly #signedShared = new Map<string, number>();
  readonly #signedLocals = [new Map<string, number>(), new Map<string, number>()] as const;
  /** Locals with the whole numbers that stand for a bound of fractions; see `Shortcuts.fractionOf`. */
  readonly #limits = new Map<number, number>();
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
    this.#useCounts = useCountsOf(program);
    this.#shortcuts = new Shortcuts(program);
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
      this.#code.vec('i32x4Splat').v128([0, 2, 4, 6]).vec('i32x4Add').set(this.#indexLocal);
    }
    this.#program.steps.forEach((_, index) => {
      if (!this.#shortcuts.isInvariant(index)) return;
      this.#writeStep(index, 0);
      const local = this.#code.local('v128');
      this.#code.set(local);
      this.#shared.set(index, local);
    });
    this.#writeSignedInvariants();
    this.#writeLimits();
  }

  /** Puts the value of a step on the stack, for one half of the turn. */
  push(index: number, half: Half): void {
    const local = this.#shared.get(index) ?? this.#locals[half].get(index);
    if (local !== undefined) {
      this.#code.get(local);
      return;
    }
    this.#writeStep(index, half);
    if ((this.#useCounts[index] ?? 0) > 1) {
      const kept = this.#code.local('v128');
      this.#code.tee(kept);
      this.#locals[half].set(index, kept);
    }
  }

  /** Code at the end of the loop: on to the next elements. */
  writeAdvance(): void {
    this.#sizesBytes.forEach((sizeBytes, input) => {
      const pointer = this.#pointers[input] ?? 0;
      this.#code
        .get(pointer)
        .i32(stepElements * sizeBytes)
        .op('i32Add')
        .set(pointer);
    });
    if (this.#indexLocal !== undefined) {
      this.#code
        .get(this.#indexLocal)
        .v128(lanes(stepElements))
        .vec('i32x4Add')
        .set(this.#indexLocal);
    }
  }

  #wordOffset(word: keyof typeof blockWords): number {
    return 4 * (this.#pointers.length + blockWords[word]);
  }

  #writeStep(index: number, half: Half): void {
    const step = this.#program.steps[index];
    invariant(step, 'the step exists');
    const code = this.#code;
    const { block } = runParameters;
    switch (step.op) {
      case 'base':
        this.#writeLoad(0, half);
        return;
      case 'specialist':
        this.#writeLoad(step.model + (this.#layout.hasBase ? 1 : 0), half);
        return;
      case 'column':
        this.#writeColumn(step, half);
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
        if (half === 1) code.v128(lanes(1)).vec('i32x4Add');
        return;
      case 'randomBits':
        throw new Error('MergeLab bug: random bits are not lowered');
      default:
        this.#writeOperation(step, half);
    }
  }

  #writeLoad(input: number, half: Half): void {
    const pointer = this.#pointers[input];
    invariant(pointer !== undefined, 'the slice has the models the program reads');
    const code = this.#code;
    const dtype = this.#layout.dtypes[input];
    if (dtype === 'F32') {
      this.#writeFloats(pointer, half);
      return;
    }
    code.get(pointer).v128Load(0);
    if (dtype === 'BF16') {
      if (half === 0) code.i32(16).vec('i32x4Shl');
      else code.v128(lanes(0xffff0000)).vec('v128And');
      return;
    }
    if (half === 0) code.v128(lanes(0xffff)).vec('v128And');
    else code.i32(16).vec('i32x4ShrU');
    this.#widenF16();
  }

  #writeColumn({ name, model }: Step, half: Half): void {
    const column = this.columns.findIndex((use) => use.name === name && use.model === model);
    const pointer = this.#pointers[this.#layout.dtypes.length + column];
    invariant(column >= 0 && pointer !== undefined, 'every column has a pointer');
    this.#writeFloats(pointer, half);
  }

  /** Every other one of eight floats. */
  #writeFloats(pointer: number, half: Half): void {
    this.#code.get(pointer).v128Load(0).get(pointer).v128Load(16).shuffleWords([0, 2, 4, 6], half);
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

  #writeOperation(step: Step, half: Half): void {
    const [a = 0, b = 0, c = 0] = step.args;
    const code = this.#code;
    const isFloat = this.#program.steps[a]?.type === 'f32';
    if (!isFloat && this.#shortcuts.changesNothing(step)) {
      this.push(a, half);
      return;
    }
    const tie = this.#shortcuts.tieOf(step);
    if (tie !== undefined) {
      this.push(tie.a, half);
      this.push(tie.condition, half);
      code.vec('i32x4Sub');
      this.#pushSigned(tie.b, tie.a, half);
      code.vec('i32x4GtS');
      return;
    }
    const fraction = this.#shortcuts.fractionOf(step);
    if (fraction !== undefined) {
      this.push(fraction.word, half);
      code.get(this.#limits.get(fraction.bound) ?? 0).vec('i32x4LtS');
      return;
    }
    const order = isFloat ? undefined : signedOrders[step.op];
    if (order !== undefined) {
      this.#pushSigned(a, b, half);
      this.#pushSigned(b, a, half);
      code.vec(order);
      return;
    }
    if (step.op === 'select') {
      this.push(b, half);
      this.push(c, half);
      this.push(a, half);
      code.vec('v128Bitselect');
      return;
    }
    this.push(a, half);
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
        // One machine instruction instead of eight.
        else code.vec(this.#shortcuts.isSmall(a) ? 'f32x4ConvertI32x4S' : 'f32x4ConvertI32x4U');
        return;
      // Constants that stay in place, where V8 makes those of `f32x4.abs` anew every time.
      case 'abs':
        code.v128(lanes(largestSigned)).vec('v128And');
        return;
      case 'negate':
        code.v128(lanes(signBit)).vec('v128Xor');
        return;
      case 'sign': {
        const value = code.local('v128');
        code.tee(value).v128(lanes(0)).vec('f32x4Gt').v128(lanes(one)).vec('v128And');
        code.get(value).v128(lanes(0)).vec('f32x4Lt').v128(lanes(minusOne)).vec('v128And');
        code.vec('v128Or');
        return;
      }
      default: {
        if (step.args.length > 1) this.push(b, half);
        const name = (isFloat ? floatOps : wordOps)[step.op] ?? maskOps[step.op];
        invariant(name, `WebAssembly has ${step.op}`);
        code.vec(name);
      }
    }
  }

  #writeLimits(): void {
    for (const step of this.#program.steps) {
      const { bound } = this.#shortcuts.fractionOf(step) ?? {};
      if (bound === undefined || this.#limits.has(bound)) continue;
      this.push(bound, 0);
      const local = this.#code.local('v128');
      this.#code
        .v128(lanes(f32ToBits(fractionCount)))
        .vec('f32x4Mul')
        .vec('f32x4Ceil');
      this.#code.vec('i32x4TruncSatF32x4S').set(local);
      this.#limits.set(bound, local);
    }
  }

  /** Words that are the same for all elements and are compared with others as signed. */
  #writeSignedInvariants(): void {
    for (const { op, args } of this.#program.steps) {
      const [a = 0, b = 0] = args;
      if (signedOrders[op] === undefined || this.#program.steps[a]?.type !== 'u32') continue;
      for (const [index, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const way = this.#signedWay(index, other);
        const key = `${way} ${index}`;
        const isKnown = way === 'asItIs' || this.#signedShared.has(key);
        if (isKnown || !this.#shortcuts.isInvariant(index)) continue;
        this.#writeSigned(index, way, 0);
        const local = this.#code.local('v128');
        this.#code.set(local);
        this.#signedShared.set(key, local);
      }
    }
  }

  /** How a word is made ready to be compared with `other` as signed. */
  #signedWay(index: number, other: number): SignedWay {
    if (this.#shortcuts.isSmall(index)) return 'asItIs';
    return this.#shortcuts.isSmall(other) ? 'cutOff' : 'moved';
  }

  #pushSigned(index: number, other: number, half: Half): void {
    const way = this.#signedWay(index, other);
    if (way === 'asItIs') {
      this.push(index, half);
      return;
    }
    const key = `${way} ${index}`;
    const known = this.#signedShared.get(key) ?? this.#signedLocals[half].get(key);
    if (known !== undefined) {
      this.#code.get(known);
      return;
    }
    this.#writeSigned(index, way, half);
    const local = this.#code.local('v128');
    this.#code.tee(local);
    this.#signedLocals[half].set(key, local);
  }

  /** Above what a small word reaches nothing matters; else both are moved by half of all words. */
  #writeSigned(index: number, way: Exclude<SignedWay, 'asItIs'>, half: Half): void {
    this.push(index, half);
    if (way === 'cutOff') this.#code.v128(lanes(largestSigned)).vec('i32x4MinU');
    else this.#code.v128(lanes(signBit)).vec('v128Xor');
  }
}

/** Cut off at the largest signed word, or moved by half of all words. */
type SignedWay = 'asItIs' | 'cutOff' | 'moved';
