import type { MethodId, TensorRole } from '../methods/method';

/** What a method does with tensors whose shapes differ between models. */
export interface ShapeRule {
  /**
   * For embeddings and heads: the block that all have in common, the base's shape if the others are
   * no smaller, or an error.
   */
  readonly vocabulary: 'common' | 'base' | 'error';
  /** For everything else: the model takes no part in this tensor, or an error. */
  readonly other: 'skip' | 'error';
}

const cropsToCommon: readonly MethodId[] = [
  'linear',
  'slerp',
  'nuslerp',
  // mergekit 0.1.4 computes the crop and then forgets it, which ends in an error.
  'karcher',
  'model_stock',
  'arcee_fusion',
];
const wantsEqual: readonly MethodId[] = [
  'multislerp',
  'sce',
  'ram',
  'ramplus_tl',
  'nearswap',
  'passthrough',
];

/** As mergekit 0.1.4 for its methods; all others do as its task-vector family. */
export function shapeRuleOf(method: MethodId): ShapeRule {
  if (cropsToCommon.includes(method)) return { vocabulary: 'common', other: 'error' };
  if (wantsEqual.includes(method)) return { vocabulary: 'error', other: 'error' };
  return { vocabulary: 'base', other: 'skip' };
}

/** What becomes of shapes that differ. */
export type ShapeOutcome =
  /** The tensor's shape; `skipped` are the numbers of the shapes that take no part. */
  | {
      readonly kind: 'fit';
      readonly shape: readonly number[];
      readonly skipped: readonly number[];
    }
  /** `odd` is the number of the shape that does not fit. */
  | { readonly kind: 'misfit'; readonly odd: number };

/**
 * Applies a rule to the shapes of one tensor.
 * @param shapes one of each model, the base's first when there is one
 */
export function fitShapes(
  rule: ShapeRule,
  role: TensorRole,
  shapes: readonly (readonly number[])[],
): ShapeOutcome {
  const [first = []] = shapes;
  const isFirst = (shape: readonly number[]): boolean => sameShape(shape, first);
  const odd = shapes.findIndex((shape) => !isFirst(shape));
  if (odd < 0) return { kind: 'fit', shape: first, skipped: [] };
  const isVocabulary = (role === 'embedding' || role === 'head') && shapes.every(isMatrix);
  if (!isVocabulary) {
    if (rule.other === 'error') return { kind: 'misfit', odd };
    const skipped = shapes.flatMap((shape, index) => (isFirst(shape) ? [] : [index]));
    return { kind: 'fit', shape: first, skipped };
  }
  if (rule.vocabulary === 'error') return { kind: 'misfit', odd };
  if (rule.vocabulary === 'common') {
    const shape = [0, 1].map((axis) => Math.min(...shapes.map((one) => one[axis] ?? 0)));
    return { kind: 'fit', shape, skipped: [] };
  }
  const smaller = shapes.findIndex((shape) =>
    shape.some((size, axis) => size < (first[axis] ?? 0)),
  );
  if (smaller >= 0) return { kind: 'misfit', odd: smaller };
  return { kind: 'fit', shape: first, skipped: [] };
}

/** Whether two shapes are equal axis by axis. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function isMatrix(shape: readonly number[]): boolean {
  return shape.length === 2;
}
