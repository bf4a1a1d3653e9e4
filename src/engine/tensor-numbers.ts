import { LabError } from '../core/errors';
import { quoted } from '../formats/text';
import type {
  LayerPlace,
  MethodNumbers,
  MethodOptions,
  MethodParameter,
  NumberParameter,
} from '../methods/method';
import { gradientPosition, settingFor } from '../recipe/evaluate-setting';
import type { ParameterValue } from '../recipe/recipe';
import type { ResolvedMerge, ResolvedSlice, ResolvedSource } from './resolve-recipe';

/** A tensor as its parameters see it. */
export interface ParameterSubject {
  /** In the output. */
  readonly name: string;
  readonly slice: ResolvedSlice;
  /** Absent outside the layers. */
  readonly layer: LayerPlace | undefined;
  /** The specialists that take part, with the tensor's name in each. */
  readonly members: readonly { readonly source: ResolvedSource; readonly inputName: string }[];
}

/**
 * The switches and choices of a method for one tensor: the slice's, the recipe's, the default.
 * @throws LabError `recipe/bad-value`
 */
export function optionsFor(merge: ResolvedMerge, subject: ParameterSubject): MethodOptions {
  const options: Record<string, boolean | string> = {};
  for (const parameter of merge.method.parameters) {
    if (parameter.kind === 'number') continue;
    const given = methodSetting(subject, parameter.name);
    if (parameter.kind === 'switch') {
      options[parameter.name] =
        given === undefined ? parameter.default : switchOf(parameter, given, subject);
      continue;
    }
    const chosen = given ?? granularityOf(merge, parameter.name) ?? parameter.default;
    if (typeof chosen !== 'string' || !parameter.choices.includes(chosen)) {
      const expected = `one of ${parameter.choices.join(', ')}`;
      throw badValue(parameter.name, undefined, chosen, expected, subject);
    }
    options[parameter.name] = chosen;
  }
  return options;
}

/**
 * The numbers of a method for one tensor, with mergekit's precedence: the model's own entry, its
 * slice, the recipe, the method's default. The base needs none.
 * @throws LabError `recipe/missing-parameter`, `recipe/bad-value`
 */
export function numbersFor(merge: ResolvedMerge, subject: ParameterSubject): MethodNumbers {
  const scalars: Record<string, number> = {};
  const perModel: Record<string, number[]> = {};
  const { slice, layer, members } = subject;
  const position = gradientPosition(layer);
  for (const parameter of merge.method.parameters) {
    if (parameter.kind !== 'number') continue;
    const { name } = parameter;
    if (parameter.scope === 'method') {
      const given = methodSetting(subject, name);
      const value = numberOf(parameter, undefined, given, subject);
      if (value !== undefined) scalars[name] = value;
      continue;
    }
    const values = members.map(({ source, inputName }) => {
      const levels = [...source.settings, ...slice.settings];
      const given = settingFor(levels, name, inputName, position);
      return numberOf(parameter, source.model, given, subject);
    });
    const present = values.filter((value) => value !== undefined);
    if (present.length === values.length) perModel[name] = present;
    else if (present.length > 0) {
      const without = members[values.indexOf(undefined)]?.source.model;
      throw missingParameter(parameter, without, subject);
    }
  }
  return { scalars, perModel };
}

function methodSetting(subject: ParameterSubject, name: string): ParameterValue | undefined {
  const { slice, layer } = subject;
  return settingFor(slice.settings, name, subject.name, gradientPosition(layer));
}

/** The lab's own key of a recipe; a parameter of that name stands before it. */
function granularityOf({ recipe }: ResolvedMerge, name: string): string | undefined {
  const wanted = name === 'granularity' ? recipe.mergelab?.granularity : undefined;
  return wanted === 'model' ? 'global' : wanted;
}

/** mergekit carries booleans as numbers, so 1 and 0 will do. */
function switchOf(
  { name }: MethodParameter,
  given: ParameterValue,
  subject: ParameterSubject,
): boolean {
  if (given === true || given === 1) return true;
  if (given === false || given === 0) return false;
  throw badValue(name, undefined, given, 'true or false', subject);
}

function numberOf(
  parameter: NumberParameter,
  model: string | undefined,
  given: ParameterValue | undefined,
  subject: ParameterSubject,
): number | undefined {
  const value = given ?? parameter.default;
  if (value === undefined) {
    if (parameter.whenAbsent !== undefined) return undefined;
    throw missingParameter(parameter, model, subject);
  }
  // mergekit reads true as 1 and false as 0.
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw badValue(parameter.name, model, value, 'a finite number', subject);
}

function missingParameter(
  { name }: NumberParameter,
  model: string | undefined,
  subject: ParameterSubject,
): LabError {
  const owner = ownerOf(model);
  return new LabError(
    'recipe/missing-parameter',
    `${owner.replace('the', 'The')} has no ${quoted(name)} for tensor ${quoted(subject.name)}; add one under its parameters or under those of the recipe, such as ${name}: 1.`,
    { details: { parameter: name, owner, tensor: subject.name } },
  );
}

function badValue(
  name: string,
  model: string | undefined,
  value: ParameterValue,
  expected: string,
  subject: ParameterSubject,
): LabError {
  const owner = ownerOf(model);
  return new LabError(
    'recipe/bad-value',
    `"${name}" of ${owner} is ${String(value)} for tensor ${quoted(subject.name)}, but must be ${expected}; correct it.`,
    { details: { parameter: name, owner, value: String(value), tensor: subject.name } },
  );
}

/** Whose parameter it is, for sentences. */
function ownerOf(model: string | undefined): string {
  return model === undefined ? 'the recipe' : `the model ${quoted(model)}`;
}
