/** What a node yields for one element. WGSL's names; `bool` never reaches memory. */
export type ValueType = 'f32' | 'u32' | 'bool';

export type LeafOp =
  | 'base' // the base model's weight, widened to f32
  | 'specialist' // the weight of the current model of the innermost fold or per-model reduction
  | 'specialistAt' // the weight of the model numbered `value`
  | 'perModel' // the entry of the named list for the current model
  | 'scalar' // a named number of the host, the same for every element
  | 'constant'
  | 'elementIndex' // u32, counted from the tensor's first element, row-major
  | 'modelIndex' // u32, the current model
  | 'column' // a computed input, attached to the slice under `name`; `value` 1 if one per model
  | 'randomBits' // u32, a hash of (seed, tensor, element, current model); `value` picks the word
  | 'accumulator'; // what the innermost fold has so far

export type UnaryOp =
  | 'negate'
  | 'abs'
  | 'sign'
  | 'sqrt'
  | 'floor'
  | 'not'
  | 'toF32' // from u32 (rounded to nearest) or bool (0 or 1)
  | 'bits' // the bit pattern of an f32
  | 'fromBits' // the f32 with this bit pattern
  | 'shiftLeft' // by the constant `value`
  | 'shiftRight'; // logical, by the constant `value`

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'min'
  | 'max'
  | 'and'
  | 'or'
  | 'xor'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge';

/** `select` takes (condition, whenTrue, whenFalse); `fold` takes (initial, body). */
export type Op = LeafOp | UnaryOp | BinaryOp | 'select' | 'fold';

/**
 * One node of the method language: an immutable tree over one element of a tensor. The same object
 * may occur in many places; back ends share such work.
 *
 * `fold` runs over the specialists in their listed order. Inside its body, `specialist`, `perModel`,
 * `modelIndex` and `randomBits` mean the model at hand. A fold inside a body is closed: it sees
 * nothing of the outer fold, so it is worth computing once.
 */
export interface Expr<T extends ValueType = ValueType> {
  readonly op: Op;
  readonly type: T;
  readonly args: readonly Expr[];
  /** Number of a constant, model, random word or shift; 0 where the op has none. */
  readonly value: number;
  /** What a `scalar` or `perModel` leaf reads; elsewhere a name for printed code, or empty. */
  readonly name: string;
}
