import type { FloatDtype } from '../core/dtype';
import { LabError } from '../core/errors';
import { quoted } from '../formats/text';
import type { MergeMethod } from '../methods/method';
import { findMethod } from '../methods/registry';
import type { Recipe, RecipeDtype, Settings } from '../recipe/recipe';

/** One model of a slice, or of the whole merge. */
export interface ResolvedSource {
  readonly model: string;
  /** Its own parameters, in the order in which they are looked up. */
  readonly settings: readonly Settings[];
  /** First layer and the one after the last; absent when it takes part with all its layers. */
  readonly layerRange?: readonly [number, number] | undefined;
}

/** Layers that are merged from the same models; a recipe with `models` is one slice. */
export interface ResolvedSlice {
  /** Present exactly when the method works on task vectors of this slice. */
  readonly base: ResolvedSource | undefined;
  /** In the recipe's order, each model once. */
  readonly specialists: readonly ResolvedSource[];
  /** Parameters of the slice and of the recipe, in the order in which they are looked up. */
  readonly settings: readonly Settings[];
}

/** A recipe with its method found and its models in their roles. */
export interface ResolvedMerge {
  readonly recipe: Recipe;
  readonly method: MergeMethod;
  /** Whose config, tokenizer and tensor order the merge takes: the base, or the first model. */
  readonly donor: string;
  /** The base of task vectors, of the first slice that has one. */
  readonly base: string | undefined;
  /** All other models, in the recipe's order, each once. */
  readonly specialists: readonly string[];
  readonly slices: readonly ResolvedSlice[];
  /** Whether the slices say which layers the output has. */
  readonly stacksLayers: boolean;
  readonly seed: number;
  readonly random: 'lab' | 'mergekit';
  /** The dtype of merged tensors; each keeps its stored dtype when absent. */
  readonly outDtype: FloatDtype | undefined;
}

const dtypeOf: Readonly<Record<RecipeDtype, FloatDtype>> = {
  float32: 'F32',
  bfloat16: 'BF16',
  float16: 'F16',
};

/**
 * Finds the recipe's method and gives every model its role, slice by slice.
 *
 * As in mergekit 0.1.4: task-vector methods take no specialist from `base_model` even if it is
 * listed; a method without a base merges a `base_model` that is not listed as one more input, though
 * not into `slices`; a model that is listed twice counts once, as it is listed first.
 *
 * @throws LabError `recipe/unknown-method`, `recipe/missing-model`, `recipe/bad-value`
 */
export function resolveRecipe(recipe: Recipe): ResolvedMerge {
  const method = findMethod(recipe.mergeMethod);
  const { slices: listed = [], outDtype = recipe.dtype } = recipe;
  const stacksLayers = listed.length > 0;
  const slices = stacksLayers
    ? listed.map(({ sources, baseModel, parameters }, index) =>
        resolveSlice(method, `Slice ${index + 1} of the recipe`, {
          sources,
          base: baseModel ?? recipe.baseModel,
          settings: [parameters, recipe.parameters],
          addsBase: false,
        }),
      )
    : [
        resolveSlice(method, 'The recipe', {
          sources: recipe.models,
          base: recipe.baseModel,
          settings: [recipe.parameters],
          addsBase: true,
        }),
      ];
  const specialists = slices.flatMap((slice) => slice.specialists.map(({ model }) => model));
  const bases = slices.flatMap(({ base }) => (base === undefined ? [] : [base.model]));
  const firstListed = stacksLayers ? listed[0]?.sources[0] : recipe.models[0];
  return {
    recipe,
    method,
    donor: recipe.baseModel ?? bases[0] ?? firstListed?.model ?? '',
    base: bases[0],
    specialists: [...new Set([...bases.slice(1), ...specialists])].filter(
      (model) => model !== bases[0],
    ),
    slices,
    stacksLayers,
    seed: recipe.mergelab?.seed ?? 0,
    random: recipe.mergelab?.random ?? 'lab',
    outDtype: outDtype === undefined ? undefined : dtypeOf[outDtype],
  };
}

interface ListedSlice {
  readonly sources: readonly {
    readonly model: string;
    readonly parameters: Settings;
    readonly layerRange?: readonly [number, number];
  }[];
  readonly base: string | undefined;
  readonly settings: readonly Settings[];
  /** Whether a base that is not listed takes part all the same. */
  readonly addsBase: boolean;
}

function resolveSlice(method: MergeMethod, owner: string, listed: ListedSlice): ResolvedSlice {
  const { base, settings, addsBase } = listed;
  if (method.base === 'required' && base === undefined) {
    throw new LabError(
      'recipe/missing-model',
      `${method.title} works on what specialists changed, so the recipe needs a base_model; name the model they were tuned from.`,
      { details: { method: method.id } },
    );
  }
  const sources = new Map<string, ResolvedSource>();
  for (const { model, parameters, layerRange } of listed.sources) {
    // Of a model that is listed again, only parameters that it has not set yet count.
    const before = sources.get(model) ?? { model, settings: [], layerRange };
    sources.set(model, { ...before, settings: [...before.settings, parameters] });
  }
  if (base !== undefined && addsBase && !sources.has(base)) {
    sources.set(base, { model: base, settings: [] });
  }
  const usesBase = method.base !== 'none' && base !== undefined;
  const baseSource = usesBase ? sources.get(base) : undefined;
  if (usesBase && baseSource === undefined) {
    throw new LabError(
      'recipe/missing-model',
      `${owner} does not list its base model ${quoted(base)} among its sources; add it with the layer_range of its layers.`,
      { details: { method: method.id, model: base } },
    );
  }
  const specialists = [...sources.values()].filter((source) => source !== baseSource);
  checkCount(method, owner, specialists, addsBase && !usesBase ? base : undefined, listed);
  return { base: baseSource, specialists, settings };
}

function checkCount(
  method: MergeMethod,
  owner: string,
  specialists: readonly ResolvedSource[],
  addedBase: string | undefined,
  listed: ListedSlice,
): void {
  const { min, max } = method.specialistCount;
  const count = specialists.length;
  if (count >= min && count <= max) return;
  const wanted = min === max ? `exactly ${min}` : `${min} to ${max}`;
  const besides = method.base === 'none' ? '' : ' besides the base';
  const isAdded =
    addedBase !== undefined && !listed.sources.some(({ model }) => model === addedBase);
  const hint = isAdded
    ? `base_model ${quoted(addedBase)} counts as one of them, as in mergekit; remove it or another model.`
    : 'change its models.';
  throw new LabError(
    'recipe/bad-value',
    `${method.title} merges ${wanted} ${max === 1 ? 'model' : 'models'}${besides}, but ${owner.replace(/^The/, 'the')} has ${count}; ${hint}`,
    { details: { method: method.id, modelCount: count } },
  );
}
