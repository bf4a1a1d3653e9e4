import type {
  ChoiceParameter,
  MergeMethod,
  MethodNumbers,
  MethodOptions,
  MethodParameter,
  NumberParameter,
  SwitchParameter,
} from './method';

/** Parameters that several methods share, with mergekit's names. */
export const weight: NumberParameter = {
  name: 'weight',
  symbol: 'wᵢ',
  scope: 'model',
  kind: 'number',
  range: { min: -1, max: 2, step: 0.05 },
  meaning: 'How much of this specialist goes into the merge.',
  larger: 'A larger value brings out more of this specialist; a negative one takes its skill away.',
};

export const density: NumberParameter = {
  name: 'density',
  symbol: 'dᵢ',
  scope: 'model',
  kind: 'number',
  default: 1,
  range: { min: 0.05, max: 1, step: 0.05 },
  meaning: 'The share of this specialist’s changes that is kept; the rest is set back to the base.',
  larger: 'A larger value keeps more of the changes; 1 keeps all of them.',
};

export const lambda: NumberParameter = {
  name: 'lambda',
  symbol: 'λ',
  scope: 'method',
  kind: 'number',
  default: 1,
  range: { min: 0, max: 2, step: 0.05 },
  meaning: 'Scales the merged change before it is added to the base.',
  larger: 'A larger value moves further away from the base.',
};

/** `normalize`, whose default differs between methods. */
export function normalizeSwitch(isOn: boolean): SwitchParameter {
  return {
    name: 'normalize',
    symbol: 'normalize',
    scope: 'method',
    kind: 'switch',
    default: isOn,
    meaning: 'Divides by the sum of the weights, so that only their ratio matters.',
    larger: 'On: an average of the models. Off: a sum, which grows with every model.',
  };
}

/** `rescale`, whose default differs between methods. */
export function rescaleSwitch(isOn: boolean): SwitchParameter {
  return {
    name: 'rescale',
    symbol: 'rᵢ',
    scope: 'method',
    kind: 'switch',
    default: isOn,
    meaning: 'Enlarges the kept changes until their absolute sum is what it was before.',
    larger: 'On: dropping changes costs no strength. Off: fewer changes are also a weaker change.',
  };
}

/** Not of mergekit, which always ranks per tensor; recipes keep it under `mergelab:`. */
export const granularity: ChoiceParameter = {
  name: 'granularity',
  symbol: 'scope',
  scope: 'method',
  kind: 'choice',
  default: 'tensor',
  choices: ['tensor', 'global'],
  meaning: 'Whether the largest changes are sought in each tensor alone or in the whole model.',
  larger: 'Global lets a tensor that changed much keep more than one that changed little.',
};

/** The switches and choices of a method at their defaults. */
export function defaultOptions(method: MergeMethod): MethodOptions {
  return Object.fromEntries(
    method.parameters.flatMap((parameter) =>
      parameter.kind === 'number' ? [] : [[parameter.name, parameter.default] as const],
    ),
  );
}

/**
 * Numbers for `specialistCount` models at the method's defaults, overlaid by `given`. A parameter
 * that a recipe must give (`weight`) is 1; one that may be absent is absent.
 */
export function numbersFor(
  method: MergeMethod,
  specialistCount: number,
  given: Partial<MethodNumbers> = {},
): MethodNumbers {
  const numeric = method.parameters
    .filter(isNumber)
    .filter(({ whenAbsent }) => whenAbsent === undefined);
  const ofScope = (scope: MethodParameter['scope']): readonly NumberParameter[] =>
    numeric.filter((parameter) => parameter.scope === scope);
  return {
    scalars: {
      ...Object.fromEntries(ofScope('method').map(({ name, default: value = 1 }) => [name, value])),
      ...given.scalars,
    },
    perModel: {
      ...Object.fromEntries(
        ofScope('model').map(({ name, default: value = 1 }) => [
          name,
          Array.from({ length: specialistCount }, () => value),
        ]),
      ),
      ...given.perModel,
    },
  };
}

function isNumber(parameter: MethodParameter): parameter is NumberParameter {
  return parameter.kind === 'number';
}
