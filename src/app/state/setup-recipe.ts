import type { MethodParameter } from '../../methods/method';
import type { LabSettings, ParameterValue, Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import type { MethodText } from '../texts/method-text';
import { knownMethod, settingsOf, usesCoefficients } from './methods';
import { participantsOf } from './participants';
import { startCoefficient, valueFor, valueOf, type Setup } from './setup';
import { sliderIds } from './slider-ids';

/** The recipe that makes this merge, in mergekit's terms, with every value written out. */
export function recipeOf(
  setup: Setup,
  collection: Collection,
  method: MethodText = knownMethod(setup.method),
): Recipe {
  const ids = sliderIds(collection, setup);
  const settings = settingsOf(method).filter(({ name }) => name !== 'granularity');
  const ofScope = (scope: MethodParameter['scope']): readonly MethodParameter[] =>
    settings.filter((parameter) => parameter.scope === scope);
  const lab = labSettingsOf(setup, method);
  return {
    mergeMethod: method.id,
    ...(startsFromBase(setup, method) ? { baseModel: collection.base.id } : {}),
    models: participantsOf(setup, method, ids).map((id) => ({
      model: id,
      parameters: {
        ...(usesCoefficients(method) ? { weight: setup.coefficients[id] ?? startCoefficient } : {}),
        ...valuesOf(ofScope('model'), (parameter) => valueFor(setup, method, parameter, id)),
      },
    })),
    parameters: valuesOf(ofScope('method'), (parameter) => valueOf(setup, method, parameter)),
    ...(Object.keys(lab).length > 0 ? { mergelab: lab } : {}),
  };
}

/** mergekit makes a base that is not among the inputs one more input of methods that take none. */
export function startsFromBase(setup: Setup, method: MethodText): boolean {
  if (method.base === 'optional') return !setup.withoutBase.includes(method.id);
  return method.base === 'required';
}

function valuesOf(
  parameters: readonly MethodParameter[],
  valueIn: (parameter: MethodParameter) => ParameterValue | undefined,
): Record<string, ParameterValue> {
  return Object.fromEntries(
    parameters.flatMap((parameter) => {
      const value = valueIn(parameter);
      return value === undefined ? [] : [[parameter.name, value] as const];
    }),
  );
}

function labSettingsOf(setup: Setup, method: MethodText): LabSettings {
  const granularity = method.parameters.find(({ name }) => name === 'granularity');
  return {
    ...(method.drawsAtRandom ? { seed: setup.seed } : {}),
    ...(granularity === undefined
      ? {}
      : { granularity: valueOf(setup, method, granularity) === 'global' ? 'model' : 'tensor' }),
  };
}
