import fc from 'fast-check';
import { Random } from '../../../src/core/random';
import {
  abs,
  add,
  and,
  base,
  bits,
  bool,
  column,
  columnOf,
  div,
  elementIndex,
  eq,
  f32,
  floor,
  fold,
  fromBits,
  ge,
  gt,
  le,
  lt,
  magnitudeBits,
  max,
  min,
  modelIndex,
  mul,
  ne,
  negate,
  not,
  or,
  perModel,
  perModelU32,
  random01,
  randomBits,
  scalar,
  scalarU32,
  select,
  shiftLeft,
  shiftRight,
  sign,
  specialist,
  specialistAt,
  sqrt,
  sub,
  toF32,
  u32,
  xor,
} from '../../../src/expr/build';
import type { Expr } from '../../../src/expr/expr';
import { awkwardNumbers } from './slices';

type F32 = Expr<'f32'>;
type U32 = Expr<'u32'>;
type Bool = Expr<'bool'>;

// An alias: fast-check wants an index signature, which interfaces do not have.
type Typed = { float: F32; word: U32; truth: Bool };

/** Values for every name that random expressions read, for three specialists. */
export const randomExpressionValues = {
  seed: 0xdeadbeef,
  scalars: { s: -1.7, word: 0x80000001 },
  perModel: { w: [0.3, -2, 0], cut: [5, 0xffffffff, 0] },
};

/** Arrays for every name that random expressions read, one value per element. */
export function randomExpressionColumns(
  elementCount: number,
): Readonly<Record<string, readonly Float32Array[]>> {
  const random = new Random(7);
  const column = (): Float32Array =>
    Float32Array.from({ length: elementCount }, () =>
      random.chance(0.2) ? random.pick(awkwardNumbers) : random.next01() * 2 - 1,
    );
  return { shared: [column()], own: [column(), column(), column()] };
}

/**
 * Float expressions over every operation of the language. The float values of integers and bit
 * patterns stay out of arithmetic where a NaN's payload would show.
 */
export const randomExpression: fc.Arbitrary<F32> = fc.letrec<Typed>((tie) => {
  const float = tie('float');
  const word = tie('word');
  const truth = tie('truth');
  const pair = fc.tuple(float, float);
  const words = fc.tuple(word, word);
  return {
    float: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      fc.constantFrom(base, specialist, specialistAt(1), scalar('s'), perModel('w'), random01(1)),
      fc.constantFrom(column('shared'), columnOf('own')),
      fc.constantFrom(f32(0), f32(-0), f32(1), f32(0.1), f32(1e-42), f32(3e38), f32(-7.25)),
      pair.map(([a, b]) => add(a, b)),
      pair.map(([a, b]) => sub(a, b)),
      pair.map(([a, b]) => mul(a, b)),
      pair.map(([a, b]) => div(a, b)),
      pair.map(([a, b]) => min(a, b)),
      pair.map(([a, b]) => max(a, b)),
      float.map((a) => abs(a)),
      float.map((a) => negate(a)),
      float.map((a) => sign(a)),
      float.map((a) => floor(a)),
      float.map((a) => sqrt(abs(a))),
      word.map((a) => toF32(a)),
      word.map((a) => fromBits(a)),
      truth.map((a) => toF32(a)),
      fc.tuple(truth, float, float).map(([when, a, b]) => select(when, a, b)),
      pair.map(([a, b]) => fold(a, (soFar) => add(mul(soFar, f32(0.5)), b))),
      float.map((a) => fold(f32(-1), (soFar) => max(soFar, a))),
    ),
    word: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(elementIndex, modelIndex, scalarU32('word'), perModelU32('cut'), u32(77)),
      fc.constantFrom(randomBits(0), randomBits(1), randomBits(2), randomBits(3)),
      float.map((a) => magnitudeBits(a)),
      fc.constantFrom(bits(perModel('w'))),
      words.map(([a, b]) => add(a, b)),
      words.map(([a, b]) => sub(a, b)),
      words.map(([a, b]) => mul(a, b)),
      words.map(([a, b]) => min(a, b)),
      words.map(([a, b]) => max(a, b)),
      words.map(([a, b]) => and(a, b)),
      words.map(([a, b]) => or(a, b)),
      words.map(([a, b]) => xor(a, b)),
      fc.tuple(word, fc.integer({ min: 0, max: 31 })).map(([a, by]) => shiftLeft(a, by)),
      fc.tuple(word, fc.integer({ min: 0, max: 31 })).map(([a, by]) => shiftRight(a, by)),
      fc.tuple(truth, word, word).map(([when, a, b]) => select(when, a, b)),
    ),
    truth: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.constantFrom(bool(true), bool(false)),
      fc.tuple(fc.constantFrom(eq, ne, lt, le, gt, ge), float, float).map(([op, a, b]) => op(a, b)),
      fc.tuple(fc.constantFrom(eq, ne, lt, le, gt, ge), word, word).map(([op, a, b]) => op(a, b)),
      fc.tuple(fc.constantFrom(and, or, xor), truth, truth).map(([op, a, b]) => op(a, b)),
      truth.map((a) => not(a)),
    ),
  };
}).float;
