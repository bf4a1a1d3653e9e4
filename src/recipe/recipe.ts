/** A number, a switch, or the name of a choice. */
export type ParameterValue = number | boolean | string;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** Values spread evenly over the layers of a slice, from its first layer to its last. */
export type Gradient = readonly number[];

/** Holds for tensors whose name contains `filter`; for all of them without one. */
export interface ConditionalValue {
  readonly filter?: string;
  readonly value: ParameterValue | Gradient;
}

/** A parameter as a recipe carries it; `settingFor` gives its value for one tensor. */
export type Setting = ParameterValue | Gradient | readonly ConditionalValue[];
export type Settings = Readonly<Record<string, Setting>>;

/** mergekit's names of arithmetic and output dtypes. */
export const recipeDtypes = ['float32', 'bfloat16', 'float16'] as const;
export type RecipeDtype = (typeof recipeDtypes)[number];

/** One input of a merge with its own parameters, such as `weight` and `density`. */
export interface RecipeModel {
  /**
   * `PATH[@REVISION][+ADAPTER[@REVISION]]`: a zoo id, a folder, a Hub id, or the name of an earlier
   * document; `parseModelReference` takes it apart.
   */
  readonly model: string;
  readonly parameters: Settings;
}

/** A run of layers of one model. */
export interface RecipeSource extends RecipeModel {
  /** First layer and the one after the last. */
  readonly layerRange: readonly [number, number];
}

/** Consecutive layers of the output and the layers they are merged from. */
export interface RecipeSlice {
  readonly sources: readonly RecipeSource[];
  /** Stands before the recipe's own. */
  readonly baseModel?: string;
  readonly parameters: Settings;
}

/** Where the embedding of one token comes from. */
export type TokenSource =
  | { readonly kind: 'model'; readonly model: string }
  | { readonly kind: 'zero' }
  | { readonly kind: 'modelToken'; readonly model: string; readonly token: string | number };

/** mergekit's `tokenizer`; `tokenizer_source: X` is the same as `{ source: X }`. */
export interface TokenizerSetting {
  /** `union`, `base`, or a model. */
  readonly source: string;
  readonly tokens: Readonly<
    Record<string, { readonly source?: TokenSource; readonly force: boolean }>
  >;
  readonly padToMultipleOf?: number;
}

/** What mergekit ignores and the lab reads: the optional top-level key `mergelab`. */
export interface LabSettings {
  /** Seeds the random masks; 0 unless stated. */
  readonly seed?: number;
  /** Whether thresholds are taken per tensor (as mergekit does) or over the whole model. */
  readonly granularity?: 'tensor' | 'model';
  /** `mergekit`: masks of mergekit's own generator, as with its `--random-seed`. */
  readonly random?: 'lab' | 'mergekit';
  readonly notes?: string;
}

/**
 * A merge in mergekit's dialect. Exactly one of `models` and `slices` has entries. Plain JSON, so
 * that it crosses workers and fits the address bar.
 */
export interface Recipe {
  /** Of one document among several; later ones use it as a model. */
  readonly name?: string;
  readonly mergeMethod: string;
  readonly baseModel?: string;
  readonly models: readonly RecipeModel[];
  readonly slices?: readonly RecipeSlice[];
  readonly parameters: Settings;
  /**
   * Arithmetic is float32 whatever this says. As in mergekit, tensors are written in it unless
   * `outDtype` says otherwise.
   */
  readonly dtype?: RecipeDtype;
  /** The dtype of the written tensors; without it `dtype`, else the dtype they are stored in. */
  readonly outDtype?: RecipeDtype;
  readonly tokenizer?: TokenizerSetting;
  /** `auto`, the name of a built-in template, or a Jinja text. */
  readonly chatTemplate?: string;
  readonly mergelab?: LabSettings;
}
