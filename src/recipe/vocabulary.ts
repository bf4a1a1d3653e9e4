/** What is known about one parameter of a method. */
export interface ParameterFacts {
  /** One plain sentence. */
  readonly meaning?: string;
  /** `model`: one value per model; `method`: one for the whole merge. */
  readonly scope?: 'model' | 'method';
  readonly kind?: 'number' | 'switch' | 'choice';
  /** The texts a choice takes; absent for numbers and switches. */
  readonly choices?: readonly string[];
}

/** The names of methods and parameters, which recipes are checked against. */
export interface RecipeVocabulary {
  /** Method ids. */
  readonly methods: readonly string[];
  /** Parameter names of a method; none for an unknown one. */
  readonly parametersOf: (method: string) => readonly string[];
  /** Parameters that no method here reads but mergekit knows; they only raise a warning. */
  readonly otherParameters: readonly string[];
  /** One plain sentence about a method. */
  readonly methodMeaning?: (method: string) => string | undefined;
  readonly parameterFacts?: (method: string, parameter: string) => ParameterFacts | undefined;
}
