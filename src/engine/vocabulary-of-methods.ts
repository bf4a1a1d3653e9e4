import type { MergeMethod } from '../methods/method';
import type { RecipeVocabulary } from '../recipe/vocabulary';

/** Parameters of mergekit 0.1.4 that change nothing here: they only choose how it computes. */
const mergekitOnly = ['int8_mask'];

/** What of a method recipes are about. */
type NamedMethod = Pick<MergeMethod, 'id' | 'idea' | 'parameters'>;

/** What recipes are checked against and completed from: methods and their parameters. */
export function vocabularyOfMethods(methods: readonly NamedMethod[]): RecipeVocabulary {
  const methodOf = (id: string): NamedMethod | undefined => methods.find((one) => one.id === id);
  return {
    methods: methods.map(({ id }) => id),
    parametersOf: (method) => (methodOf(method)?.parameters ?? []).map(({ name }) => name),
    otherParameters: [
      ...new Set([
        ...methods.flatMap(({ parameters }) => parameters.map(({ name }) => name)),
        ...mergekitOnly,
      ]),
    ],
    methodMeaning: (method) => methodOf(method)?.idea,
    parameterFacts: (method, name) => {
      const parameter = methodOf(method)?.parameters.find((candidate) => candidate.name === name);
      if (parameter === undefined) return undefined;
      const { meaning, larger, scope, kind } = parameter;
      const facts = { meaning: `${meaning} ${larger}`, scope, kind };
      return kind === 'choice' ? { ...facts, choices: parameter.choices } : facts;
    },
  };
}
