import type { FloatDtype } from '../core/dtype';
import { LabError } from '../core/errors';
import type {
  MergeMethod,
  MethodDefinition,
  MethodNumbers,
  MethodOptions,
  MethodParameter,
  NumberParameter,
} from '../methods/method';
import { definitionFor, findMethod, methods } from '../methods/registry';
import { nearestName } from '../recipe/nearest-name';
import type { Recipe, RecipeDtype, Setting, Settings } from '../recipe/recipe';

/** A recipe with its method found, every parameter given a value, and its models in their roles. */
export interface ResolvedMerge {
  readonly recipe: Recipe;
  readonly method: MergeMethod;
  readonly definition: MethodDefinition;
  /** Whose config, tokenizer and tensor order the merge takes: the base, or the first model. */
  readonly donor: string;
  /** Present exactly when the method works on task vectors. */
  readonly base: string | undefined;
  /** In the recipe's order, each once. */
  readonly specialists: readonly string[];
  readonly numbers: MethodNumbers;
  readonly seed: number;
  /** The dtype of merged tensors; each keeps the donor's dtype when absent. */
  readonly outDtype: FloatDtype | undefined;
}

const dtypeOf: Readonly<Record<RecipeDtype, FloatDtype>> = {
  float32: 'F32',
  bfloat16: 'BF16',
  float16: 'F16',
};

/**
 * Parameters of mergekit 0.1.4 that methods here do not read. mergekit ignores what a method does
 * not know, and a recipe keeps its parameters when its method is changed.
 */
const knownElsewhere = ['int8_mask', 'gamma', 'epsilon', 't', 'select_topk', 'filter_wise'];

/**
 * Finds the recipe's method and gives every parameter a value, with mergekit's precedence: the
 * model's own, then the recipe's, then the method's default.
 *
 * As in mergekit, task-vector methods take no specialist from `base_model` even if `models` lists it,
 * and a model that is listed twice counts once, with its first parameters.
 *
 * @throws LabError `recipe/unknown-method`, `recipe/missing-model`, `recipe/missing-parameter`,
 * `recipe/unknown-key`, `recipe/bad-value`
 */
export function resolveRecipe(recipe: Recipe): ResolvedMerge {
  const method = findMethod(recipe.mergeMethod);
  const { baseModel } = recipe;
  if (method.base === 'required' && baseModel === undefined) {
    throw new LabError(
      'recipe/missing-model',
      `${method.title} works on what specialists changed, so the recipe needs a base_model; name the model they were tuned from.`,
      { details: { method: method.id } },
    );
  }
  const entries = new Map<string, Settings>();
  for (const { model, parameters } of recipe.models) {
    const isBase = method.base === 'required' && model === baseModel;
    if (!isBase && !entries.has(model)) entries.set(model, parameters);
  }
  const { min, max } = method.specialistCount;
  if (entries.size < min || entries.size > max) {
    throw new LabError(
      'recipe/bad-value',
      `${method.title} merges ${min} to ${max} models besides the base, but the recipe lists ${entries.size}; change its models.`,
      { details: { method: method.id, modelCount: entries.size } },
    );
  }
  const specialists = [...entries.keys()];
  for (const owner of [recipe.parameters, ...entries.values()]) checkNames(owner);
  const outDtype = recipe.outDtype ?? recipe.dtype;
  return {
    recipe,
    method,
    definition: definitionFor(
      method,
      optionsOf(method, recipe),
      {
        specialistCount: specialists.length,
        hasBase: method.base === 'required',
        random: 'lab',
      },
      'other',
    ),
    donor: baseModel ?? specialists[0] ?? '',
    base: method.base === 'required' ? baseModel : undefined,
    specialists,
    numbers: numbersOf(method, recipe, entries),
    seed: recipe.mergelab?.seed ?? 0,
    outDtype: outDtype === undefined ? undefined : dtypeOf[outDtype],
  };
}

function checkNames(parameters: Settings): void {
  const known = methods.flatMap((method) => method.parameters.map(({ name }) => name));
  for (const name of Object.keys(parameters)) {
    if (known.includes(name) || knownElsewhere.includes(name)) continue;
    const meant = nearestName(name, known);
    const remedy = meant === undefined ? 'remove it' : `did you mean "${meant}"?`;
    throw new LabError(
      'recipe/unknown-key',
      `No merging method has a parameter "${name}"; ${remedy}`,
      { details: { parameter: name } },
    );
  }
}

function optionsOf(method: MergeMethod, recipe: Recipe): MethodOptions {
  const options: Record<string, boolean | string> = {};
  for (const parameter of method.parameters) {
    if (parameter.kind === 'number') continue;
    const given = recipe.parameters[parameter.name];
    if (parameter.kind === 'switch') {
      options[parameter.name] =
        given === undefined ? parameter.default : switchOf(parameter, given);
      continue;
    }
    const isGlobal = parameter.name === 'granularity' && recipe.mergelab?.granularity === 'model';
    const chosen = given ?? (isGlobal ? 'global' : parameter.default);
    if (typeof chosen !== 'string' || !parameter.choices.includes(chosen)) {
      throw badValue(
        parameter.name,
        'the recipe',
        chosen,
        `one of ${parameter.choices.join(', ')}`,
      );
    }
    options[parameter.name] = chosen;
  }
  return options;
}

/** mergekit carries booleans as numbers, so 1 and 0 will do. */
function switchOf(parameter: MethodParameter, given: Setting): boolean {
  if (given === true || given === 1) return true;
  if (given === false || given === 0) return false;
  throw badValue(parameter.name, 'the recipe', given, 'true or false');
}

function numbersOf(
  method: MergeMethod,
  recipe: Recipe,
  entries: ReadonlyMap<string, Settings>,
): MethodNumbers {
  const scalars: Record<string, number> = {};
  const perModel: Record<string, number[]> = {};
  for (const parameter of method.parameters) {
    if (parameter.kind !== 'number') continue;
    const { name } = parameter;
    if (parameter.scope === 'method') {
      scalars[name] = numberOf(parameter, 'the recipe', recipe.parameters[name]);
      continue;
    }
    perModel[name] = [...entries].map(([model, own]) =>
      numberOf(parameter, `the model "${model}"`, own[name] ?? recipe.parameters[name]),
    );
  }
  return { scalars, perModel };
}

function numberOf(parameter: NumberParameter, owner: string, given: Setting | undefined): number {
  const value = given ?? parameter.default;
  if (value === undefined) {
    throw new LabError(
      'recipe/missing-parameter',
      `${owner.replace('the', 'The')} has no "${parameter.name}"; add one, such as ${parameter.name}: 1.`,
      { details: { parameter: parameter.name, owner } },
    );
  }
  // mergekit reads true as 1 and false as 0.
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw badValue(parameter.name, owner, value, 'a finite number');
}

function badValue(name: string, owner: string, value: Setting, expected: string): LabError {
  return new LabError(
    'recipe/bad-value',
    `"${name}" of ${owner} is ${JSON.stringify(value)}, but must be ${expected}; correct it.`,
    { details: { parameter: name, owner, value: JSON.stringify(value) } },
  );
}
