import { LabError } from '../../core/errors';
import type { MethodParameter } from '../../methods/method';
import type { ParameterValue } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import type { MethodText } from '../texts/method-text';
import { fieldsOf, isNumberIn, listOf, shown, type Fields } from './foreign-values';
import {
  firstMethodId,
  knownMethod,
  methodOf,
  settingsOf,
  startValueOf,
  usesCoefficients,
} from './methods';
import {
  coefficientRange,
  largestSeed,
  startCoefficient,
  startSetup,
  type Setup,
  type SpecialistValues,
} from './setup';

/** A recipe as the sliders show it. */
export interface SetupReading {
  readonly setup: Setup;
  /** What could not be used; those settings have their start values, all others the recipe's. */
  readonly problems: readonly LabError[];
  /** What is valid in the recipe but has no slider that could show it, such as `weight of math`. */
  readonly unshown: readonly string[];
}

interface Notes {
  readonly problems: LabError[];
  readonly unshown: string[];
  readonly isChecked: boolean;
}

/** The parameters of every listed specialist that is open, by id. */
type ListedModels = ReadonlyMap<string, Fields>;

/**
 * Takes from a recipe, which may come from anywhere, what is valid. A value that is not (a
 * coefficient that is no number, an unknown method or model) falls back to its start by itself.
 * @param otherInputs what the recipe merges beside open models, where it is known to be good: then a
 * value that a slider cannot reach is only not shown
 */
export function setupFromRecipe(
  recipe: Fields,
  collection: Collection,
  otherInputs?: readonly string[],
): SetupReading {
  const isChecked = otherInputs !== undefined;
  const notes: Notes = { problems: [], unshown: unslidKeysIn(recipe), isChecked };
  const method = methodIn(recipe, notes);
  const start = startSetup(collection, method.id);
  const ids = [...collection.specialists.map(({ id }) => id), ...(otherInputs ?? [])];
  const models = modelsIn(recipe, ids, collection.base.id, notes);
  const isListed = models.size > 0;
  const isWeighted = usesCoefficients(method);
  return {
    setup: {
      ...start,
      coefficients: {
        ...start.coefficients,
        // A specialist that the recipe does not list is not in the merge.
        ...(isListed ? Object.fromEntries(ids.map((id) => [id, 0])) : {}),
        ...coefficientsIn(recipe, method, models, notes),
      },
      ...settingsIn(recipe, method, models, notes),
      preferred: method.specialistCount.max < ids.length ? ids.filter((id) => models.has(id)) : [],
      leftOut: isListed && !isWeighted ? ids.filter((id) => !models.has(id)) : [],
      withoutBase:
        method.base === 'optional' && recipe['baseModel'] === undefined ? [method.id] : [],
      seed: seedIn(recipe, notes),
    },
    problems: notes.problems,
    unshown: notes.unshown,
  };
}

/** Parts of a recipe that have no control on the page, by mergekit's names. */
const unslidKeys: readonly (readonly [field: string, key: string])[] = [
  ['slices', 'slices'],
  ['dtype', 'dtype'],
  ['outDtype', 'out_dtype'],
  ['tokenizer', 'tokenizer'],
  ['chatTemplate', 'chat_template'],
];

function unslidKeysIn(recipe: Fields): string[] {
  const lab = fieldsOf(recipe['mergelab']);
  return [
    ...unslidKeys.filter(([field]) => recipe[field] !== undefined).map(([, key]) => key),
    ...(lab?.['random'] === 'mergekit' ? ['mergekit’s random numbers'] : []),
  ];
}

function methodIn(recipe: Fields, { problems }: Notes): MethodText {
  const id = recipe['mergeMethod'];
  const method = typeof id === 'string' ? methodOf(id) : undefined;
  if (method !== undefined) return method;
  const usual = knownMethod(firstMethodId);
  problems.push(
    new LabError(
      'recipe/unknown-method',
      `The link names the merging method ${shown(id)}, which this page does not have; it uses ${usual.id} instead.`,
    ),
  );
  return usual;
}

function modelsIn(
  recipe: Fields,
  ids: readonly string[],
  baseId: string,
  { problems, isChecked }: Notes,
): ListedModels {
  const found = new Map<string, Fields>();
  for (const entry of entriesIn(recipe)) {
    const { model: id } = entry;
    if (typeof id === 'string' && ids.includes(id)) {
      const own = fieldsOf(entry['parameters']) ?? {};
      const before = found.get(id);
      found.set(id, before === undefined ? own : inSeveralPlaces(before, own));
      continue;
    }
    // mergekit's recipes may list the base among the models.
    if (id === baseId || isChecked) continue;
    problems.push(
      new LabError(
        'recipe/missing-model',
        `The link names the model ${shown(id)}, which is not open here; open its folder, or use a link made with these models.`,
      ),
    );
  }
  return found;
}

/** What a recipe lists: its models, or the sources of its slices with what the slice sets for them. */
function entriesIn(recipe: Fields): readonly Fields[] {
  const slices = listOf(recipe['slices']).map((slice) => fieldsOf(slice) ?? {});
  const sources = slices.flatMap((slice) =>
    listOf(slice['sources']).map((entry) => {
      const source = fieldsOf(entry) ?? {};
      const parameters = { ...fieldsOf(slice['parameters']), ...fieldsOf(source['parameters']) };
      return { ...source, parameters };
    }),
  );
  const models = listOf(recipe['models']).map((entry) => fieldsOf(entry) ?? {});
  return [...models, ...sources];
}

/** A value that differs between slices becomes a list of values, which no slider can show. */
function inSeveralPlaces(before: Fields, own: Fields): Fields {
  const names = new Set([...Object.keys(before), ...Object.keys(own)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const [earlier, later] = [before[name], own[name]];
      return [name, earlier === later ? later : [earlier, later].flat()];
    }),
  );
}

function coefficientsIn(
  recipe: Fields,
  method: MethodText,
  models: ListedModels,
  { problems, unshown, isChecked }: Notes,
): Record<string, number> {
  const { min, max } = coefficientRange;
  const parameter = method.parameters.find(({ name }) => name === 'weight');
  const common = fieldsOf(recipe['parameters'])?.['weight'] ?? parameter?.default;
  const coefficients: Record<string, number> = {};
  for (const [id, parameters] of models) {
    const weight = parameters['weight'] ?? common;
    coefficients[id] = startCoefficient;
    if (isNumberIn(weight, coefficientRange)) coefficients[id] = weight;
    else if (Array.isArray(weight) || (isChecked && weight !== undefined)) {
      unshown.push(`weight of ${id}`);
    } else if (usesCoefficients(method) || weight !== undefined) {
      problems.push(
        new LabError(
          'recipe/bad-value',
          `The link gives ${id} the coefficient ${shown(weight)}, but a coefficient is a number from ${min} to ${max}; it was set back to its usual value.`,
        ),
      );
    }
  }
  return coefficients;
}

/** Settings other than coefficients: for all specialists alike where their values are equal. */
function settingsIn(
  recipe: Fields,
  method: MethodText,
  models: ListedModels,
  { problems, unshown, isChecked }: Notes,
): Pick<Setup, 'parameters' | 'perSpecialist'> {
  const common: Fields = { ...fieldsOf(recipe['parameters']), ...granularityIn(recipe) };
  const shared: Record<string, ParameterValue> = {};
  const perSpecialist: Record<string, SpecialistValues> = {};
  for (const parameter of settingsOf(method)) {
    const { name } = parameter;
    // What a recipe leaves out has the method's default, which is not always the page's start.
    const absent = isChecked ? parameter.default : undefined;
    const isOwn = parameter.scope === 'model' && models.size > 0;
    const given: [string, unknown][] = isOwn
      ? [...models].map(([id, own]) => [id, own[name] ?? common[name] ?? absent])
      : [['', common[name] ?? absent]];
    const bad = given.find(([, value]) => value !== undefined && !isValueOf(parameter, value));
    if (bad !== undefined) {
      if (isChecked || Array.isArray(bad[1])) unshown.push(isOwn ? `${name} of ${bad[0]}` : name);
      else problems.push(badSetting(name, bad[1]));
      continue;
    }
    const values = given.filter((entry): entry is [string, ParameterValue] => {
      return isValueOf(parameter, entry[1]);
    });
    const [first] = values;
    if (first === undefined) continue;
    const isOne = values.length === given.length && values.every(([, value]) => value === first[1]);
    if (!isOne) perSpecialist[name] = Object.fromEntries(values);
    else if (first[1] !== startValueOf(method, parameter)) shared[name] = first[1];
  }
  return {
    parameters: Object.keys(shared).length > 0 ? { [method.id]: shared } : {},
    perSpecialist: Object.keys(perSpecialist).length > 0 ? { [method.id]: perSpecialist } : {},
  };
}

function isValueOf(parameter: MethodParameter, value: unknown): value is ParameterValue {
  switch (parameter.kind) {
    case 'number':
      return isNumberIn(value, parameter.range);
    case 'switch':
      return typeof value === 'boolean';
    case 'choice':
      return typeof value === 'string' && parameter.choices.includes(value);
  }
}

function badSetting(name: string, value: unknown): LabError {
  return new LabError(
    'recipe/bad-value',
    `The link sets ${name} to ${shown(value)}, which is outside its range; it was set back to its usual value.`,
  );
}

/** Recipes say `model` under `mergelab` where the method's own choice is called `global`. */
function granularityIn(recipe: Fields): Fields {
  const granularity = fieldsOf(recipe['mergelab'])?.['granularity'];
  if (granularity === undefined) return {};
  return { granularity: granularity === 'model' ? 'global' : granularity };
}

function seedIn(recipe: Fields, { problems }: Notes): number {
  const seed = fieldsOf(recipe['mergelab'])?.['seed'] ?? 0;
  if (isNumberIn(seed, { min: 0, max: largestSeed }) && Number.isInteger(seed)) return seed;
  problems.push(
    new LabError(
      'recipe/bad-value',
      `The link gives the seed ${shown(seed)}, but a seed is a whole number from 0; it was set back to 0.`,
    ),
  );
  return 0;
}
