import type { ParameterFacts, RecipeVocabulary } from '../../../src/recipe/vocabulary';

const facts: Readonly<Record<string, ParameterFacts>> = {
  weight: { meaning: 'How much of this model.', scope: 'model', kind: 'number' },
  density: { meaning: 'The share that is kept.', scope: 'model', kind: 'number' },
  lambda: { scope: 'method', kind: 'number' },
  normalize: { scope: 'method', kind: 'switch' },
  granularity: { scope: 'method', kind: 'choice', choices: ['tensor', 'global'] },
  t: { scope: 'method', kind: 'number' },
};

const parameters: Readonly<Record<string, readonly string[]>> = {
  linear: ['weight', 'normalize'],
  ties: ['weight', 'density', 'lambda', 'normalize', 'granularity'],
  slerp: ['t'],
};

/** Three methods, enough to check names against. */
export const vocabulary: RecipeVocabulary = {
  methods: Object.keys(parameters),
  parametersOf: (method) => parameters[method] ?? [],
  otherParameters: ['int8_mask'],
  methodMeaning: (method) => (method === 'ties' ? 'Trims, elects, merges.' : undefined),
  parameterFacts: (_method, parameter) => facts[parameter],
};
