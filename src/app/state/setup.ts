import type { MergeMethod, MethodParameter } from '../../methods/method';
import type { LabSettings, ParameterValue, ParameterValues, Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import { drawsAtRandom, knownMethod, settingsOf, startValueOf } from './methods';

/** Range of a coefficient slider and of its number field. */
export const coefficientRange = { min: -1, max: 2, step: 0.01 } as const;
/** Where the sliders start: most collections merge well a little below one half. */
export const startCoefficient = 0.4;
/** Seeds are unsigned 32-bit numbers. */
export const largestSeed = 0xffff_ffff;

/** Everything a person sets for a merge. Immutable, so that undo can keep every version. */
export interface Setup {
  readonly method: string;
  /** By specialist id. */
  readonly coefficients: Readonly<Record<string, number>>;
  /** By method id, only what was changed; kept while methods are compared. */
  readonly parameters: Readonly<Record<string, ParameterValues>>;
  readonly seed: number;
}

/** The setup a collection starts with. */
export function startSetup(collection: Collection | undefined, method: string): Setup {
  const ids = (collection?.specialists ?? []).map(({ id }) => id);
  return {
    method,
    coefficients: Object.fromEntries(ids.map((id) => [id, startCoefficient])),
    parameters: {},
    seed: 0,
  };
}

export function withCoefficient(setup: Setup, id: string, value: number): Setup {
  if (setup.coefficients[id] === value) return setup;
  return { ...setup, coefficients: { ...setup.coefficients, [id]: value } };
}

export function withEveryCoefficient(setup: Setup, value: number): Setup {
  const ids = Object.keys(setup.coefficients);
  return { ...setup, coefficients: Object.fromEntries(ids.map((id) => [id, value])) };
}

/** `undefined` puts the parameter back to where it started. */
export function withParameter(
  setup: Setup,
  name: string,
  value: ParameterValue | undefined,
): Setup {
  const own = Object.entries(setup.parameters[setup.method] ?? {}).filter(([key]) => key !== name);
  if (value !== undefined) own.push([name, value]);
  const parameters = { ...setup.parameters, [setup.method]: Object.fromEntries(own) };
  return { ...setup, parameters };
}

/** The value in force: the person's, or the one the page starts with. */
export function valueOf(
  setup: Setup,
  method: MergeMethod,
  parameter: MethodParameter,
): ParameterValue {
  return setup.parameters[method.id]?.[parameter.name] ?? startValueOf(method, parameter);
}

/** The recipe that makes this merge, in mergekit's terms, with every value written out. */
export function recipeOf(setup: Setup, collection: Collection): Recipe {
  const method = knownMethod(setup.method);
  const settings = settingsOf(method).filter(({ name }) => name !== 'granularity');
  const ofScope = (scope: MethodParameter['scope']): Record<string, ParameterValue> =>
    Object.fromEntries(
      settings
        .filter((parameter) => parameter.scope === scope)
        .map((parameter) => [parameter.name, valueOf(setup, method, parameter)]),
    );
  const lab = labSettingsOf(setup, method);
  return {
    mergeMethod: method.id,
    // mergekit makes a base that is not among the inputs one more input of `linear`.
    ...(method.base === 'required' ? { baseModel: collection.base.id } : {}),
    models: collection.specialists.map(({ id }) => ({
      model: id,
      parameters: { weight: setup.coefficients[id] ?? startCoefficient, ...ofScope('model') },
    })),
    parameters: ofScope('method'),
    ...(Object.keys(lab).length > 0 ? { mergelab: lab } : {}),
  };
}

function labSettingsOf(setup: Setup, method: MergeMethod): LabSettings {
  const granularity = method.parameters.find(({ name }) => name === 'granularity');
  return {
    ...(drawsAtRandom(method) ? { seed: setup.seed } : {}),
    ...(granularity === undefined
      ? {}
      : { granularity: valueOf(setup, method, granularity) === 'global' ? 'model' : 'tensor' }),
  };
}
