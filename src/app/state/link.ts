import { LabError } from '../../core/errors';
import type { MergeMethod, MethodParameter } from '../../methods/method';
import type { ParameterValue, Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import { firstMethodId, knownMethod, methodOf, settingsOf, startValueOf } from './methods';
import { coefficientRange, largestSeed, startSetup, type Setup } from './setup';

/** What the address bar carries: the recipe and what the person looked at. Plain JSON. */
export interface LinkState {
  readonly recipe: Recipe;
  /** `folders` cannot be opened by a link; the page asks for them. */
  readonly collection: 'zoo' | 'folders';
  readonly prompt?: string;
  /** The specialist whose completion is shown. */
  readonly specialist?: string;
}

/** A link read against an open collection. */
export interface LinkReading {
  readonly setup: Setup;
  readonly prompt?: string;
  readonly specialist?: string;
  /** What could not be used; those settings have their defaults, all others come from the link. */
  readonly problems: readonly LabError[];
}

/** Longest prompt a link carries, in UTF-16 units; longer ones are left out of the address. */
export const longestLinkedPrompt = 2000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Takes from a link what is valid. A value that is not (a coefficient that is no number, an unknown
 * method or model) falls back to its default by itself and is named in `problems`.
 * @throws LabError `url/bad-state` when the link has no recipe at all
 */
export function readLink(value: unknown, collection: Collection): LinkReading {
  const state = fieldsOf(value);
  const recipe = fieldsOf(state?.['recipe']);
  if (state === undefined || recipe === undefined) {
    throw new LabError(
      'url/bad-state',
      'The link in the address bar cannot be read, so the page starts with its usual settings; copy the link again from the page that made it.',
    );
  }
  const problems: LabError[] = [];
  const method = linkedMethod(recipe, problems);
  const start = startSetup(collection, method.id);
  const parameters = parametersOf(recipe, method, problems);
  const setup: Setup = {
    ...start,
    coefficients: { ...start.coefficients, ...coefficientsOf(recipe, collection, problems) },
    parameters: Object.keys(parameters).length > 0 ? { [method.id]: parameters } : {},
    seed: seedOf(recipe, problems),
  };
  const { prompt, specialist } = state;
  return {
    setup,
    problems,
    ...(typeof prompt === 'string' ? { prompt } : {}),
    ...(typeof specialist === 'string' && specialist in setup.coefficients ? { specialist } : {}),
  };
}

function linkedMethod(recipe: Fields, problems: LabError[]): MergeMethod {
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

function coefficientsOf(
  recipe: Fields,
  collection: Collection,
  problems: LabError[],
): Record<string, number> {
  const coefficients: Record<string, number> = {};
  const known = new Set(collection.specialists.map(({ id }) => id));
  const models: readonly unknown[] = Array.isArray(recipe['models']) ? recipe['models'] : [];
  for (const entry of models) {
    const model = fieldsOf(entry);
    const id = model?.['model'];
    if (typeof id !== 'string' || !known.has(id)) {
      problems.push(
        new LabError(
          'recipe/missing-model',
          `The link names the model ${shown(id)}, which is not open here; open its folder, or use a link made with these models.`,
        ),
      );
      continue;
    }
    const weight = fieldsOf(model?.['parameters'])?.['weight'];
    if (isNumberIn(weight, coefficientRange)) {
      coefficients[id] = weight;
      continue;
    }
    const { min, max } = coefficientRange;
    problems.push(
      new LabError(
        'recipe/bad-value',
        `The link gives ${id} the coefficient ${shown(weight)}, but a coefficient is a number from ${min} to ${max}; it was set back to its usual value.`,
      ),
    );
  }
  return coefficients;
}

function parametersOf(
  recipe: Fields,
  method: MergeMethod,
  problems: LabError[],
): Record<string, ParameterValue> {
  const models: readonly unknown[] = Array.isArray(recipe['models']) ? recipe['models'] : [];
  const given: Fields = {
    // The page sets one value for all specialists, so the first one speaks for them.
    ...fieldsOf(fieldsOf(models[0])?.['parameters']),
    ...fieldsOf(recipe['parameters']),
    ...granularityOf(recipe),
  };
  const values: Record<string, ParameterValue> = {};
  for (const parameter of settingsOf(method)) {
    const value = given[parameter.name];
    if (value === undefined || value === startValueOf(method, parameter)) continue;
    if (isValueOf(parameter, value)) {
      values[parameter.name] = value;
      continue;
    }
    problems.push(
      new LabError(
        'recipe/bad-value',
        `The link sets ${parameter.name} to ${shown(value)}, which is outside its range; it was set back to its usual value.`,
      ),
    );
  }
  return values;
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

/** Recipes say `model` under `mergelab` where the method's own choice is called `global`. */
function granularityOf(recipe: Fields): Fields {
  const granularity = fieldsOf(recipe['mergelab'])?.['granularity'];
  if (granularity === undefined) return {};
  return { granularity: granularity === 'model' ? 'global' : granularity };
}

function seedOf(recipe: Fields, problems: LabError[]): number {
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

/** False for NaN and infinities too: no comparison with them holds. */
function isNumberIn(value: unknown, range: { min: number; max: number }): value is number {
  return typeof value === 'number' && value >= range.min && value <= range.max;
}

function fieldsOf(value: unknown): Fields | undefined {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isPlain ? (value as Fields) : undefined;
}

/** A foreign value inside a sentence: short, and in quotation marks when it is text. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return '"nothing"';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
