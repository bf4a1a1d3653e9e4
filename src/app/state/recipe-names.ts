import type { RecipeVocabulary } from '../../recipe/vocabulary';
import type { Collection } from '../../rpc/lab';
import { methodOf, methods } from './methods';

/** Parameters of mergekit 0.1.4 that change nothing here: it computes in another way with them. */
const mergekitOnly = ['int8_mask'];

/** What recipes are checked against and completed from: the methods of this page. */
export const vocabulary: RecipeVocabulary = {
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
    const { meaning, scope, kind } = parameter;
    const facts = { meaning: `${meaning} ${parameter.larger}`, scope, kind };
    return kind === 'choice' ? { ...facts, choices: parameter.choices } : facts;
  },
};

/** The models that a recipe can name. */
export function modelNames({ base, specialists }: Collection): readonly string[] {
  return [base, ...specialists].map(({ id }) => id);
}
