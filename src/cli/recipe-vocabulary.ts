import { methods } from '../methods/registry';
import type { RecipeVocabulary } from '../recipe/vocabulary';

/** Parameters of mergekit 0.1.4 that change nothing here. */
const mergekitOnly = ['int8_mask'];

/** What recipes on the command line are checked against. */
export const recipeVocabulary: RecipeVocabulary = {
  methods: methods.map(({ id }) => id),
  parametersOf: (method) =>
    (methods.find(({ id }) => id === method)?.parameters ?? []).map(({ name }) => name),
  otherParameters: [
    ...new Set([
      ...methods.flatMap(({ parameters }) => parameters.map(({ name }) => name)),
      ...mergekitOnly,
    ]),
  ],
};
