import type { MethodParameter } from '../../methods/method';
import type { ParameterValue, ParameterValues } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import type { MethodText } from '../texts/method-text';
import type { WrittenRecipe } from './written-recipe';
import { knownMethod, startCoefficientOf, startValueOf, usualCoefficient } from './methods';

/** Range of a coefficient slider and of its number field. */
export const coefficientRange = { min: -1, max: 2, step: 0.01 } as const;
/** Where the sliders of a fresh page are. */
export const startCoefficient = usualCoefficient;
/** Seeds are unsigned 32-bit numbers. */
export const largestSeed = 0xffff_ffff;

/** One value of a parameter for each specialist, by id. */
export type SpecialistValues = Readonly<Record<string, ParameterValue>>;

/** Everything a person sets for a merge. Immutable, so that undo can keep every version. */
export interface Setup {
  readonly method: string;
  /** By specialist id. */
  readonly coefficients: Readonly<Record<string, number>>;
  /** By method id, only what was changed; kept while methods are compared. */
  readonly parameters: Readonly<Record<string, ParameterValues>>;
  /** By method id and parameter: those that have a value for each specialist. */
  readonly perSpecialist: Readonly<Record<string, Readonly<Record<string, SpecialistValues>>>>;
  /** Whom methods take that merge only one or two specialists: the latest choice last. */
  readonly preferred: readonly string[];
  /** Whom methods without coefficients leave out. */
  readonly leftOut: readonly string[];
  /** Methods, by id, that could start from the base and are told not to. */
  readonly withoutBase: readonly string[];
  readonly seed: number;
  /** Present when a person wrote the recipe: it decides, and the sliders follow and change it. */
  readonly written?: WrittenRecipe | undefined;
}

/** The setup a collection starts with. */
export function startSetup(collection: Collection | undefined, method: string): Setup {
  const ids = (collection?.specialists ?? []).map(({ id }) => id);
  return {
    method,
    coefficients: Object.fromEntries(ids.map((id) => [id, startCoefficient])),
    parameters: {},
    perSpecialist: {},
    preferred: [],
    leftOut: [],
    withoutBase: [],
    seed: 0,
  };
}

/** A method as it is tried first; the settings of other methods stay. */
export function withStartOf(setup: Setup, method: string): Setup {
  const ids = Object.keys(setup.coefficients);
  const coefficient = startCoefficientOf(knownMethod(method));
  const { [method]: parameters, ...otherParameters } = setup.parameters;
  const { [method]: own, ...otherOwn } = setup.perSpecialist;
  const isStarted = parameters === undefined && own === undefined;
  return {
    ...setup,
    method,
    coefficients: Object.fromEntries(ids.map((id) => [id, coefficient])),
    ...(isStarted ? {} : { parameters: otherParameters, perSpecialist: otherOwn }),
    preferred: [],
    leftOut: [],
    withoutBase: setup.withoutBase.filter((id) => id !== method),
    seed: 0,
    written: undefined,
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

/** Sets a parameter for the whole merge; `undefined` puts it back to where it started. */
export function withParameter(
  setup: Setup,
  name: string,
  value: ParameterValue | undefined,
): Setup {
  const own = changed(setup.parameters[setup.method], name, value);
  return {
    ...withSpecialistValues(setup, name, undefined),
    parameters: { ...setup.parameters, [setup.method]: own },
  };
}

/** Sets a parameter for each specialist; `undefined` gives all of them one value again. */
export function withSpecialistValues(
  setup: Setup,
  name: string,
  values: SpecialistValues | undefined,
): Setup {
  const { [setup.method]: before, ...others } = setup.perSpecialist;
  const own = changed(before, name, values);
  const isEmpty = Object.keys(own).length === 0;
  return { ...setup, perSpecialist: isEmpty ? others : { ...others, [setup.method]: own } };
}

function changed<T>(
  before: Readonly<Record<string, T>> | undefined,
  name: string,
  value: T | undefined,
): Record<string, T> {
  const kept = Object.entries(before ?? {}).filter(([key]) => key !== name);
  return Object.fromEntries(value === undefined ? kept : [...kept, [name, value]]);
}

/** The value in force: the person's, or the one the page starts with; undefined when left out. */
export function valueOf(
  setup: Setup,
  method: MethodText,
  parameter: MethodParameter,
): ParameterValue | undefined {
  return setup.parameters[method.id]?.[parameter.name] ?? startValueOf(method, parameter);
}

/** The value in force for one specialist. */
export function valueFor(
  setup: Setup,
  method: MethodText,
  parameter: MethodParameter,
  specialist: string,
): ParameterValue | undefined {
  const own = setup.perSpecialist[method.id]?.[parameter.name];
  return own?.[specialist] ?? valueOf(setup, method, parameter);
}
