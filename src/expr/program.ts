import { invariant } from '../core/errors';
import type { Expr, Op, ValueType } from './expr';
import { lcgFactor, lcgIncrement, randomNumber, wordsPerHash } from './random-bits';
import { exprsOf, type Reduction } from './reduction';

/** Folds are unrolled, and the model at hand is a number, so these do not occur. */
type UnrolledOp = 'fold' | 'accumulator' | 'specialistAt' | 'modelIndex';

export type StepOp = Exclude<Op, UnrolledOp> | 'seed' | 'tensorKey';

/** One operation of straight-line code. */
export interface Step {
  readonly op: StepOp;
  readonly type: ValueType;
  /** Earlier steps. */
  readonly args: readonly number[];
  readonly value: number;
  readonly name: string;
  /** Of `specialist`, `perModel`, `randomBits` and a `column` per model; 0 elsewhere. */
  readonly model: number;
}

/** Straight-line code for one element; equal steps occur once. */
export interface Program {
  readonly steps: readonly Step[];
  /** The steps whose values are wanted. */
  readonly outputs: readonly number[];
}

/** An expression to compute, with the model at hand outside every fold (0 where it matters not). */
export interface Root {
  readonly expr: Expr;
  readonly model: number;
}

/** The expressions behind the results of reductions, in order; a histogram has `bin` and `when`. */
export function rootsOf(reduction: Reduction, specialistCount: number): Root[] {
  const models = reduction.perModel ? Array.from({ length: specialistCount }, (_, k) => k) : [0];
  return models.flatMap((model) => exprsOf(reduction).map((expr): Root => ({ expr, model })));
}

/**
 * Unrolls folds over `specialistCount` models into straight-line code that a back end can run
 * without knowing the tree. Common parts are shared, so a fold inside a fold costs nothing twice.
 * @param options.lowerRandom writes random bits as integer arithmetic, for back ends without pcg4d
 */
export function unroll(
  roots: readonly Root[],
  specialistCount: number,
  options: { readonly lowerRandom: boolean },
): Program {
  const steps: Step[] = [];
  const known = new Map<string, number>();
  const closedFolds = new Map<Expr, number>();

  function step(
    op: StepOp,
    type: ValueType,
    args: readonly number[] = [],
    { value = 0, name = '', model = 0 } = {},
  ): number {
    const valueKey = Object.is(value, -0) ? '-0' : String(value);
    const key = `${op} ${type} ${args.join(',')} ${valueKey} ${name} ${String(model)}`;
    const existing = known.get(key);
    if (existing !== undefined) return existing;
    steps.push({ op, type, args, value, name, model });
    known.set(key, steps.length - 1);
    return steps.length - 1;
  }

  function visit(
    expr: Expr,
    model: number,
    soFar: number | undefined,
    seen: Map<Expr, number>,
  ): number {
    const before = seen.get(expr);
    if (before !== undefined) return before;
    const result = place(expr, model, soFar, seen);
    seen.set(expr, result);
    return result;
  }

  function place(
    expr: Expr,
    model: number,
    soFar: number | undefined,
    seen: Map<Expr, number>,
  ): number {
    const { op, type, args, value, name } = expr;
    switch (op) {
      case 'fold':
        return placeFold(expr, model, soFar, seen);
      case 'accumulator':
        invariant(soFar !== undefined, 'an accumulator stands inside a fold');
        return soFar;
      case 'specialistAt':
        invariant(value < specialistCount, `there is a model ${value}`);
        return step('specialist', type, [], { model: value });
      case 'modelIndex':
        return step('constant', 'u32', [], { value: model });
      case 'randomBits':
        return options.lowerRandom
          ? placeRandom(value, model)
          : step(op, type, [], { value, model });
      case 'specialist':
      case 'perModel':
        return step(op, type, [], { name: op === 'perModel' ? name : '', model });
      case 'column':
        return step(op, type, [], { name, model: value === 1 ? model : 0, value });
      default: {
        const placed = args.map((arg) => visit(arg, model, soFar, seen));
        return step(op, type, placed, { value, name: op === 'scalar' ? name : '' });
      }
    }
  }

  function placeFold(
    expr: Expr,
    model: number,
    soFar: number | undefined,
    seen: Map<Expr, number>,
  ): number {
    const [initial, body] = expr.args;
    invariant(initial !== undefined && body !== undefined, 'a fold has a start and a body');
    const isClosed = initial.args.length === 0 && initial.op === 'constant';
    const before = isClosed ? closedFolds.get(expr) : undefined;
    if (before !== undefined) return before;
    let result = visit(initial, model, soFar, seen);
    for (let inner = 0; inner < specialistCount; inner++) {
      result = visit(body, inner, result, new Map());
    }
    if (isClosed) closedFolds.set(expr, result);
    return result;
  }

  /** pcg4d as steps; what depends on seed, tensor and model alone is left to be hoisted. */
  function placeRandom(word: number, model: number): number {
    const number = randomNumber(word, model);
    const binary = (op: 'add' | 'mul' | 'xor', a: number, b: number): number =>
      step(op, 'u32', [a, b]);
    const constant = (value: number): number => step('constant', 'u32', [], { value });
    const start = [
      step('elementIndex', 'u32'),
      constant(Math.floor(number / wordsPerHash)),
      step('tensorKey', 'u32'),
      step('seed', 'u32'),
    ];
    let [x = 0, y = 0, z = 0, w = 0] = start.map((counter) =>
      binary('add', binary('mul', counter, constant(lcgFactor)), constant(lcgIncrement)),
    );
    const mix = (): void => {
      x = binary('add', x, binary('mul', y, w));
      y = binary('add', y, binary('mul', z, x));
      z = binary('add', z, binary('mul', x, y));
      w = binary('add', w, binary('mul', y, z));
    };
    mix();
    [x, y, z, w] = [x, y, z, w].map((part) =>
      binary('xor', part, step('shiftRight', 'u32', [part], { value: 16 })),
    ) as [number, number, number, number];
    mix();
    return [x, y, z, w][number % wordsPerHash] ?? x;
  }

  const seenPerModel = new Map<number, Map<Expr, number>>();
  const outputs = roots.map(({ expr, model }) => {
    const seen = seenPerModel.get(model) ?? new Map<Expr, number>();
    seenPerModel.set(model, seen);
    return visit(expr, model, undefined, seen);
  });
  return withoutUnused({ steps, outputs });
}

/** Drops steps no output needs, such as the words of a random number that nobody reads. */
function withoutUnused({ steps, outputs }: Program): Program {
  const isUsed = steps.map(() => false);
  for (const output of outputs) isUsed[output] = true;
  for (let index = steps.length - 1; index >= 0; index--) {
    if (isUsed[index] === true) for (const arg of steps[index]?.args ?? []) isUsed[arg] = true;
  }
  const renumbered: number[] = [];
  const kept: Step[] = [];
  steps.forEach((step, index) => {
    renumbered.push(kept.length);
    if (isUsed[index] === true) {
      kept.push({ ...step, args: step.args.map((arg) => renumbered[arg] ?? 0) });
    }
  });
  return { steps: kept, outputs: outputs.map((output) => renumbered[output] ?? 0) };
}

/** A text equal for equal programs, for caches of compiled kernels. */
export function programText({ steps, outputs }: Program): string {
  const lines = steps.map(({ op, type, args, value, name, model }) => {
    const text = Object.is(value, -0) ? '-0' : String(value);
    return `${op}:${type}(${args.join()})${text}${name}@${String(model)}`;
  });
  return `${lines.join(';')}=>${outputs.join()}`;
}
