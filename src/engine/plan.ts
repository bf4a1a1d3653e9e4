import type { JsonObject } from '../formats/bounded-json';
import type { Recipe } from '../recipe/recipe';
import { dtypeChange, type ConfigChanges } from './config-changes';
import type { Finding } from './finding';
import { layoutOf } from './layout';
import type { ModelInput, ModelInputs } from './model-input';
import { memoryFindings } from './memory-findings';
import { memoryShares, type MemoryShares, type MemoryUsers } from './memory-shares';
import { parameterFindings } from './parameter-findings';
import { costOf, type MergeCost } from './plan-cost';
import { planTensor, type PlannedTensor } from './plan-tensor';
import { resolveRecipe, type ResolvedMerge } from './resolve-recipe';

export type { MergeCost } from './plan-cost';
export type { MergedTensor, OutputTensor, PlannedTensor } from './plan-tensor';

/** What will be merged from what, and everything that speaks against it. */
export interface MergePlan {
  readonly merge: ResolvedMerge;
  /** All models that take part: the base first when the method uses it. */
  readonly models: readonly ModelInput[];
  /** Whose config and tokenizer the merge takes. */
  readonly donor: ModelInput;
  /** Undefined when the donor has no `config.json`: then the merge has none either. */
  readonly donorConfig: JsonObject | undefined;
  readonly configChanges: ConfigChanges;
  /** The licences that the models' cards name, by the model's name in the recipe. */
  readonly licences: ReadonlyMap<string, string>;
  /** In the order of the output. */
  readonly tensors: readonly PlannedTensor[];
  readonly findings: readonly Finding[];
  readonly cost: MergeCost;
  /** What the sizes of slices were chosen by; results do not depend on it. */
  readonly shares: MemoryShares;
}

export interface PlanOptions extends MemoryUsers {
  readonly signal?: AbortSignal | undefined;
  /** Bound of the memory of page, workers and GPU together; without it slices have a fixed size. */
  readonly budgetBytes?: number | undefined;
}

/**
 * Plans a merge without reading a weight: every tensor with its sources, definition and numbers.
 * What does not fit is listed in `findings`, all of it, so that a person can see it at once;
 * `throwFirstError` turns it into an error.
 *
 * @throws LabError as `resolveRecipe`; `recipe/missing-model` when the recipe names a model that is
 * not in `inputs`; `recipe/missing-parameter`, `recipe/bad-value` for a parameter of some tensor;
 * `format/bad-config` for configs
 */
export async function planMerge(
  recipe: Recipe,
  inputs: ModelInputs,
  options: PlanOptions = {},
): Promise<MergePlan> {
  const merge = resolveRecipe(recipe);
  const layout = await layoutOf(merge, inputs, options.signal);
  const { models, donor, donorConfig, licences, configChanges } = layout;
  const { budgetBytes, mergeCount = 1 } = options;
  const shares = memoryShares(budgetBytes, options);
  const tensors = layout.tensors.map((matched) => planTensor(matched, merge, shares));
  return {
    merge,
    models,
    donor,
    donorConfig,
    configChanges: { ...configChanges, ...dtypeChange(donorConfig, merge.outDtype, tensors) },
    licences,
    tensors,
    findings: [
      ...layout.findings,
      ...parameterFindings(merge, tensors),
      ...memoryFindings(tensors, shares, budgetBytes, mergeCount),
    ],
    cost: costOf(tensors, shares),
    shares,
  };
}
