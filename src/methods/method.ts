import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';
import type { LinearAlgebra } from '../linalg/linear-algebra';

/** mergekit's names; `mb_` marks MergeBench's own variants; the rest are named as their papers do. */
export type MethodId =
  | 'linear'
  | 'slerp'
  | 'nuslerp'
  | 'multislerp'
  | 'karcher'
  | 'task_arithmetic'
  | 'ties'
  | 'dare_linear'
  | 'dare_ties'
  | 'della'
  | 'della_linear'
  | 'breadcrumbs'
  | 'breadcrumbs_ties'
  | 'sce'
  | 'model_stock'
  | 'nearswap'
  | 'arcee_fusion'
  | 'ram'
  | 'ramplus_tl'
  | 'passthrough'
  | 'mb_model_soup'
  | 'mb_task_arithmetic'
  | 'mb_ties'
  | 'mb_dare'
  | 'mb_consensus'
  | 'mb_localize_and_stitch'
  | 'lines'
  | 'magmax'
  | 'pcb'
  | 'tsv_merge'
  | 'iso_c'
  | 'iso_cts'
  | 'wudi';

/** Groups of the page's picker. */
export type MethodFamily = 'average' | 'task-vectors' | 'sparsified' | 'geometric' | 'spectral';

/** `matrix`: two-dimensional and neither embedding nor head. */
export type TensorRole = 'matrix' | 'embedding' | 'head' | 'other';

/** What every parameter has, for the page and for recipes. */
interface ParameterText {
  /** mergekit's key. */
  readonly name: string;
  /** As the formula writes it. */
  readonly symbol: string;
  /** `model`: one value per specialist; `method`: one for the whole merge. */
  readonly scope: 'model' | 'method';
  /** One plain sentence: what it is. */
  readonly meaning: string;
  /** One plain sentence: what a larger value, or switching it on, does. */
  readonly larger: string;
}

export interface NumberParameter extends ParameterText {
  readonly kind: 'number';
  /** Absent when a recipe must give it, as with `weight`, or when `whenAbsent` tells what happens. */
  readonly default?: number;
  /** One plain sentence; then the parameter may be left out and has no number at all. */
  readonly whenAbsent?: string;
  /** What the page offers first; recipes may go beyond `min` and `max`, as in mergekit. */
  readonly range: { readonly min: number; readonly max: number; readonly step: number };
}

export interface SwitchParameter extends ParameterText {
  readonly kind: 'switch';
  readonly default: boolean;
}

export interface ChoiceParameter extends ParameterText {
  readonly kind: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}

export type MethodParameter = NumberParameter | SwitchParameter | ChoiceParameter;

/** Switches and choices, by name; they shape the expression. Always complete. */
export type MethodOptions = Readonly<Record<string, boolean | string>>;

/** Numbers of one tensor, as expressions read them: `scalar(name)` and `perModel(name)`. */
export interface MethodNumbers {
  readonly scalars: Readonly<Record<string, number>>;
  /** One entry per specialist. */
  readonly perModel: Readonly<Record<string, readonly number[]>>;
}

/** Where a tensor stands among the layers of its slice. */
export interface LayerPlace {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** What a host step may look at. */
export interface PassContext extends MethodNumbers {
  /** The tensor, or "the whole model" for a pass of that scope. */
  readonly subject: string;
  readonly elementCount: number;
  readonly specialistCount: number;
  /** Of the tensor; empty for the whole model. */
  readonly shape: readonly number[];
  /** Absent outside the layers (embedding, final norm, head) and for the whole model. */
  readonly layer?: LayerPlace | undefined;
  /** Absent for the whole model. */
  readonly role?: TensorRole | undefined;
}

/** Numbers a host step adds; later passes and the output read them by name. */
export type PassResult = Partial<MethodNumbers>;

/**
 * Reads the weights once, then computes numbers on the host from the totals. Without reductions
 * nothing is read.
 */
export interface ReducePass {
  readonly kind: 'reduce';
  readonly scope: 'tensor' | 'model';
  readonly reductions: Readonly<Record<string, Reduction>>;
  /** `totals` holds one number per specialist for a per-model reduction, else a single one. */
  readonly then: (
    totals: Readonly<Record<string, readonly number[]>>,
    context: PassContext,
  ) => PassResult;
}

/**
 * Finds, for every specialist, which elements have the largest magnitudes: exactly `keep` of them
 * when ties go to the lower index, or all that reach the threshold. Adds the lists `NAME.bits` and
 * `NAME.cut`, which the condition `isTop` reads.
 */
export interface TopPass {
  readonly kind: 'top';
  /** `model` ranks all elements of all tensors together. */
  readonly scope: 'tensor' | 'model';
  readonly name: string;
  readonly of: Expr<'f32'>;
  readonly ties: 'lowerIndexFirst' | 'all';
  /** Set where the threshold itself is read, from `NAME.bits`: it is then exact for every `keep`. */
  readonly isQuantile?: boolean;
  /**
   * How many elements of specialist `model` to keep, from 0 to `context.elementCount`.
   * @throws LabError `recipe/bad-value` when the method allows no such number
   */
  readonly keep: (model: number, context: PassContext) => number;
}

/**
 * Ranks the magnitudes of `of` within every row: 0 is the smallest, equal ones in the order of their
 * columns. Then decides by these ranks, which `keeps` reads by `columnOf(name)`, what is kept of every
 * specialist: read it by `isKept(name)`. The ranks themselves, four bytes for every element and
 * specialist, are gone by then. Rows run along the last axis; a tensor of one dimension is a single row.
 */
export interface RankPass {
  readonly kind: 'rank';
  readonly scope: 'tensor';
  readonly name: string;
  readonly of: Expr<'f32'>;
  readonly keeps: Expr<'bool'>;
}

/**
 * Looks at whole rows on the host: `measure` sees the values of a row, under the names of `values`,
 * and answers with numbers of that row. Each becomes a column, constant along the row, read by
 * `column(name)`. Rows run along the last axis; a tensor of one dimension is a single row.
 */
export interface RowPass {
  readonly kind: 'rows';
  readonly scope: 'tensor';
  readonly values: Readonly<Record<string, Expr<'f32'>>>;
  readonly measure: (
    row: Readonly<Record<string, Float32Array>>,
    context: PassContext,
  ) => Readonly<Record<string, number>>;
}

/**
 * Sums over every vector along `axis`, in float64: `last` gives a sum per row, `first` one per
 * column of a matrix. `then` turns the sums of one vector into numbers of that vector, each a column
 * that is constant along it, read by `column(name)`. A tensor of one dimension is a single vector.
 */
export interface VectorPass {
  readonly kind: 'vectors';
  readonly scope: 'tensor';
  readonly axis: 'last' | 'first';
  readonly sums: Readonly<Record<string, Expr<'f32'>>>;
  readonly then: (
    sums: Readonly<Record<string, number>>,
    context: PassContext,
  ) => Readonly<Record<string, number>>;
}

/** A matrix in row-major order. */
export interface Matrix {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly values: Float32Array;
}

/**
 * Hands the whole matrices `of` (one per specialist) to linear algebra on the host and adds what
 * comes back as the column `name`. Only for tensors of two dimensions.
 */
export interface MatrixPass {
  readonly kind: 'matrix';
  readonly scope: 'tensor';
  readonly name: string;
  readonly of: Expr<'f32'>;
  /** The scalars that `solve` looks at; all of them unless stated. */
  readonly reads?: readonly string[];
  /**
   * @param algebraFor linear algebra where the rest of the merge runs; handed in, so that who only
   * plans with a method carries none
   * @returns row-major values of the tensor's shape
   */
  readonly solve: (
    matrices: readonly Matrix[],
    context: PassContext,
    signal: AbortSignal | undefined,
    algebraFor: AlgebraFor,
  ) => Promise<Float32Array>;
}

/** The implementation for matrices of a shape. */
export type AlgebraFor = (
  shape: Pick<Matrix, 'rowCount' | 'columnCount'>,
) => Promise<LinearAlgebra>;

/**
 * Draws mergekit's random numbers (seeded Mersenne Twister, tensors by name, models in order) as a
 * column per specialist with uniform numbers in [0, 1), read by `columnOf(name)`.
 */
export interface MergekitRandomPass {
  readonly kind: 'mergekitRandom';
  readonly scope: 'tensor';
  readonly name: string;
  /** Whether mergekit draws for this specialist at all; it draws nothing at a density of 1. */
  readonly draws: (model: number, context: PassContext) => boolean;
}

/**
 * Finds quantiles of |`of`| as mergekit does: in a random choice of elements where a tensor has very
 * many, drawn from its seeded Mersenne Twister, and exactly in smaller ones. Adds scalars.
 */
export interface MergekitSamplePass {
  readonly kind: 'mergekitSample';
  readonly scope: 'tensor';
  readonly of: Expr<'f32'>;
  /** Tensors with more elements are represented by so many. */
  readonly sampleCount: number;
  /** One choice of elements for each; shares from 0 to 1 by the name of the scalar. */
  readonly draws: readonly Readonly<Record<string, number>>[];
}

export type Pass =
  | ReducePass
  | TopPass
  | RankPass
  | RowPass
  | VectorPass
  | MatrixPass
  | MergekitRandomPass
  | MergekitSamplePass;

/** A method with its switches set: statistics in order, then the merged weight. */
export interface MethodDefinition {
  readonly passes: readonly Pass[];
  readonly output: Expr<'f32'>;
}

/** What a definition is made for. */
export interface MethodInputs {
  readonly specialistCount: number;
  /** Always true where the method requires a base, false where it takes none. */
  readonly hasBase: boolean;
  /** `mergekit` when masks must be those of mergekit's seeded generator. */
  readonly random: 'lab' | 'mergekit';
}

/** One merging method. The whole of it, from the page's text to the kernels, is in one file. */
export interface MergeMethod {
  readonly id: MethodId;
  readonly title: string;
  readonly family: MethodFamily;
  /** Two plain sentences for somebody who has not read the paper. */
  readonly idea: string;
  /** Plain text with the symbols of the parameters; heads the shader. */
  readonly formula: string;
  /** The same formula as TeX, which the page shows as MathML. */
  readonly tex: string;
  /** One or two sentences: what to move first and what to look for. */
  readonly tryThis: string;
  readonly source: { readonly text: string; readonly url: string };
  /** `required`: works on task vectors. `none`: a base model is one more input. */
  readonly base: 'required' | 'optional' | 'none';
  /** Models besides the base. */
  readonly specialistCount: { readonly min: number; readonly max: number };
  readonly parameters: readonly MethodParameter[];
  /**
   * Specialists share one whole, as in a mean: each of N keeps about 1/N of its change, so that a
   * merge of many lies near the base. False unless stated.
   */
  readonly isAverage?: boolean;
  /** Pure: equal arguments give an equal definition. */
  readonly define: (options: MethodOptions, inputs: MethodInputs) => MethodDefinition;
  /** Takes the place of `define` for tensors of the role `matrix`, in spectral methods. */
  readonly defineMatrix?: (options: MethodOptions, inputs: MethodInputs) => MethodDefinition;
  /** Tensors that stay at the base and take part in nothing; none unless stated. */
  readonly keepsBase?: (role: TensorRole, options: MethodOptions) => boolean;
}
