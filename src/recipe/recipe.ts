/** A parameter's value as a recipe carries it. */
export type ParameterValue = number | boolean | string;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** mergekit's names of arithmetic and output dtypes. */
export const recipeDtypes = ['float32', 'bfloat16', 'float16'] as const;
export type RecipeDtype = (typeof recipeDtypes)[number];

/** One input of a merge with its own parameters, such as `weight` and `density`. */
export interface RecipeModel {
  /** A zoo id, a folder or a Hub id. */
  readonly model: string;
  readonly parameters: ParameterValues;
}

/** What mergekit ignores and the lab reads: the optional top-level key `mergelab`. */
export interface LabSettings {
  /** Seeds the random masks; 0 unless stated. */
  readonly seed?: number;
  /** Whether thresholds are taken per tensor (as mergekit does) or over the whole model. */
  readonly granularity?: 'tensor' | 'model';
  readonly notes?: string;
}

/**
 * A merge in mergekit's dialect, reduced to `models:` recipes: one set of inputs over all layers.
 * Plain JSON, so that it crosses workers and fits the address bar.
 */
export interface Recipe {
  readonly mergeMethod: string;
  readonly baseModel?: string;
  readonly models: readonly RecipeModel[];
  readonly parameters: ParameterValues;
  /**
   * Arithmetic is float32 whatever this says. As in mergekit, tensors are written in it unless
   * `outDtype` says otherwise.
   */
  readonly dtype?: RecipeDtype;
  /** The dtype of the written tensors; without it `dtype`, else the dtype they are stored in. */
  readonly outDtype?: RecipeDtype;
  readonly mergelab?: LabSettings;
}
