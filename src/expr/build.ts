import { invariant } from '../core/errors';
import type { Expr, Op, ValueType } from './expr';

type F32 = Expr<'f32'>;
type U32 = Expr<'u32'>;
type Bool = Expr<'bool'>;
type Numeric = 'f32' | 'u32';

function node<T extends ValueType>(
  op: Op,
  type: T,
  args: readonly Expr[] = [],
  value = 0,
  name = '',
): Expr<T> {
  return { op, type, args, value, name };
}

function sameType<T extends ValueType>(op: Op, left: Expr<T>, right: Expr<T>): T {
  invariant(left.type === right.type, `${op} needs two operands of one type`);
  return left.type;
}

/** The base model's weight. */
export const base: F32 = node('base', 'f32');
/** The weight of the model at hand in a fold or a per-model reduction. */
export const specialist: F32 = node('specialist', 'f32');
/** Position in the tensor, row-major. */
export const elementIndex: U32 = node('elementIndex', 'u32');
/** Number of the model at hand, from 0 in the recipe's order. */
export const modelIndex: U32 = node('modelIndex', 'u32');

/** The weight of one particular model, from 0. */
export const specialistAt = (model: number): F32 => node('specialistAt', 'f32', [], model);
/** A number of the host that differs between models, for the model at hand. */
export const perModel = (name: string): F32 => node('perModel', 'f32', [], 0, name);
export const perModelU32 = (name: string): U32 => node('perModel', 'u32', [], 0, name);
/** A number of the host that is the same for all elements and models. */
export const scalar = (name: string): F32 => node('scalar', 'f32', [], 0, name);
export const scalarU32 = (name: string): U32 => node('scalar', 'u32', [], 0, name);

/** A computed input with one value per element, attached to the slice under this name. */
export const column = (name: string): F32 => node('column', 'f32', [], 0, name);
/** The computed input of the model at hand: one value per element and specialist. */
export const columnOf = (name: string): F32 => node('column', 'f32', [], 1, name);

/** `value` rounded to float32. */
export const f32 = (value: number): F32 => node('constant', 'f32', [], Math.fround(value));
export const u32 = (value: number): U32 => node('constant', 'u32', [], value >>> 0);
export const bool = (value: boolean): Bool => node('constant', 'bool', [], value ? 1 : 0);

/**
 * 32 random bits that depend on seed, tensor, element and model at hand, and on nothing else.
 * @param word 0 to 3: four independent words for one element and model
 */
export const randomBits = (word = 0): U32 => node('randomBits', 'u32', [], word);

/** A uniform number in [0, 1) with 24 bits, as exact in float32 as PyTorch's. */
export const random01 = (word = 0): F32 =>
  mul(toF32(shiftRight(randomBits(word), 8)), f32(2 ** -24));

export const add = <T extends Numeric>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('add', sameType('add', a, b), [a, b]);
export const sub = <T extends Numeric>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('sub', sameType('sub', a, b), [a, b]);
export const mul = <T extends Numeric>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('mul', sameType('mul', a, b), [a, b]);
export const div = (a: F32, b: F32): F32 => node('div', 'f32', [a, b]);
/** NaN if either is NaN; -0 is below +0. */
export const min = <T extends Numeric>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('min', sameType('min', a, b), [a, b]);
export const max = <T extends Numeric>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('max', sameType('max', a, b), [a, b]);

export const negate = (a: F32): F32 => node('negate', 'f32', [a]);
export const abs = (a: F32): F32 => node('abs', 'f32', [a]);
/** -1, 0 or 1; 0 for NaN. */
export const sign = (a: F32): F32 => node('sign', 'f32', [a]);
export const sqrt = (a: F32): F32 => node('sqrt', 'f32', [a]);
export const floor = (a: F32): F32 => node('floor', 'f32', [a]);

/** 1 for true; an integer is rounded to the nearest float32. */
export const toF32 = (a: U32 | Bool): F32 => node('toF32', 'f32', [a]);
export const bits = (a: F32): U32 => node('bits', 'u32', [a]);
/** The float32 with these bits; NaN bits stay a NaN, though not always the same one. */
export const fromBits = (a: U32): F32 => node('fromBits', 'f32', [a]);
export const shiftLeft = (a: U32, amount: number): U32 => node('shiftLeft', 'u32', [a], amount);
export const shiftRight = (a: U32, amount: number): U32 => node('shiftRight', 'u32', [a], amount);

export const and = <T extends 'u32' | 'bool'>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('and', sameType('and', a, b), [a, b]);
export const or = <T extends 'u32' | 'bool'>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('or', sameType('or', a, b), [a, b]);
export const xor = <T extends 'u32' | 'bool'>(a: Expr<T>, b: Expr<T>): Expr<T> =>
  node('xor', sameType('xor', a, b), [a, b]);
export const not = (a: Bool): Bool => node('not', 'bool', [a]);

const compare =
  (op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge') =>
  <T extends Numeric>(a: Expr<T>, b: Expr<T>): Bool => {
    sameType(op, a, b);
    return node(op, 'bool', [a, b]);
  };
export const eq = compare('eq');
export const ne = compare('ne');
export const lt = compare('lt');
export const le = compare('le');
export const gt = compare('gt');
export const ge = compare('ge');

export const select = <T extends Numeric>(when: Bool, yes: Expr<T>, no: Expr<T>): Expr<T> =>
  node('select', sameType('select', yes, no), [when, yes, no]);

/** What the fold around has so far; only `fold` hands it out. */
const accumulator = { f32: node('accumulator', 'f32'), u32: node('accumulator', 'u32') } as const;

/** Runs `step` over the specialists in order, beginning with `initial`. */
export function fold<T extends Numeric>(
  initial: Expr<T>,
  step: (soFar: Expr<T>) => Expr<T>,
): Expr<T> {
  const soFar = accumulator[initial.type] as Expr as Expr<T>;
  return node('fold', initial.type, [initial, step(soFar)]);
}

/** Σ over specialists, added left to right from zero. */
export const sumOverModels = (term: F32): F32 => fold(f32(0), (soFar) => add(soFar, term));

/**
 * The bits of |a| as an integer that orders magnitudes: 0 for ±0, then subnormals, normals,
 * infinity, and one common value for every NaN.
 */
export const magnitudeBits = (a: F32): U32 => min(and(bits(a), u32(0x7fffffff)), u32(0x7f800001));

/** The same value; printed shaders call it `name`. */
export const named = <T extends ValueType>(name: string, a: Expr<T>): Expr<T> => ({ ...a, name });

/** Whether the `rank` pass called `name` keeps the element of the model at hand. */
export const isKept = (name: string): Bool =>
  ne(and(bits(column(keptColumn(name))), perModelU32(`${name}.bit`)), u32(0));

/**
 * What a `rank` pass attaches for `isKept`: a bit for every model in the mantissa of a number from 1
 * to 2, which no device rounds or flushes.
 */
export const keptBits = (name: string, keeps: Bool): F32 =>
  fromBits(
    fold(u32(0x3f800000), (soFar) => or(soFar, select(keeps, perModelU32(`${name}.bit`), u32(0)))),
  );

export const keptColumn = (name: string): string => `${name}.kept`;

/** Whether `a` belongs to what the `top` pass called `name` keeps. */
export function isTop(name: string, a: F32): Bool {
  const magnitude = named('magnitude', magnitudeBits(a));
  const threshold = perModelU32(`${name}.bits`);
  const tie = and(eq(magnitude, threshold), lt(elementIndex, perModelU32(`${name}.cut`)));
  return or(gt(magnitude, threshold), tie);
}
