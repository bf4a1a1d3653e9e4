import type { Expr } from '../expr/expr';
import type { Reduction } from '../expr/reduction';

export type MethodId = 'linear' | 'task_arithmetic' | 'ties' | 'dare_linear';

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
  /** Absent when a recipe must give it, as with `weight`. */
  readonly default?: number;
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

/** What a host step may look at. */
export interface PassContext extends MethodNumbers {
  /** The tensor, or "the whole model" for a pass of that scope. */
  readonly subject: string;
  readonly elementCount: number;
  readonly specialistCount: number;
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
  /**
   * How many elements of specialist `model` to keep, from 0 to `context.elementCount`.
   * @throws LabError `recipe/bad-value` when the method allows no such number
   */
  readonly keep: (model: number, context: PassContext) => number;
}

export type Pass = ReducePass | TopPass;

/** A method with its switches set: statistics in order, then the merged weight. */
export interface MethodDefinition {
  readonly passes: readonly Pass[];
  readonly output: Expr<'f32'>;
}

/** One merging method. The whole of it, from the page's text to the kernels, is in one file. */
export interface MergeMethod {
  /** mergekit's name. */
  readonly id: MethodId;
  readonly title: string;
  /** One or two plain sentences for somebody who has not read the paper. */
  readonly idea: string;
  /** Plain text with the symbols of the parameters. */
  readonly formula: string;
  readonly source: { readonly text: string; readonly url: string };
  /** Whether it works on task vectors; if not, a base model is one more input. */
  readonly usesBase: boolean;
  readonly specialistCount: { readonly min: number; readonly max: number };
  readonly parameters: readonly MethodParameter[];
  /** Pure: equal options give an equal definition. */
  readonly define: (options: MethodOptions) => MethodDefinition;
}
