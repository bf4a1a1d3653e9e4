import { invariant, LabError } from '../core/errors';
import { parseModelReference } from '../recipe/model-reference';
import type { Recipe } from '../recipe/recipe';
import type { ModelFiles } from '../sources/model-files';
import { adaptModel } from './adapted-checkpoint';
import { alignVocabularies, type PreparedInputs } from './align-vocabularies';
import type { Finding } from './finding';
import type { ModelInput, ModelInputs } from './model-input';
import { planMerge, type MergePlan, type PlanOptions } from './plan';
import { readsOf } from './plan-cost';
import { inputBytesOf } from './plan-tensor';
import { namedModels, neededModels } from './recipe-models';
import type { StartRun } from './run-merge';
import { setChatTemplate } from './set-chat-template';
import { isKeptWhole, stagedBytesOf, stagedInput } from './staged-merge';

export interface PlanRecipesOptions extends Omit<PlanOptions, 'mergeCount'> {
  /** Carries out the stages; without it the plan can be looked at, but not run. */
  readonly startRun?: StartRun | undefined;
  /** Opens an adapter that is added to a stage, by its path in the recipe. */
  readonly openAdapter?: ((path: string) => Promise<ModelFiles>) | undefined;
}

/**
 * Plans the last of several recipes. Earlier ones are stages: models that the later ones name, merged
 * as their bytes are read. Stages that nothing needs are not looked at. Every recipe's tokenizer and
 * chat template are carried out first.
 *
 * @param recipes each uses only earlier ones, as `parseRecipes` orders them
 * @returns the last recipe's plan; its findings and costs include those of its stages
 * @throws LabError as `planMerge`, `alignVocabularies` and `setChatTemplate`
 */
export async function planRecipes(
  recipes: readonly Recipe[],
  inputs: ModelInputs,
  options: PlanRecipesOptions = {},
): Promise<MergePlan> {
  return (await prepareRecipes(recipes, inputs, options)).plan(finalOf(recipes), options.signal);
}

/** A recipe with its stages planned and its models made ready, to be planned again and again. */
export interface PreparedRecipes {
  /**
   * Plans a recipe of the same `preparationKey` as the last of those prepared.
   * @throws LabError as `planMerge`
   */
  plan(recipe: Recipe, signal?: AbortSignal): Promise<MergePlan>;
}

/**
 * Does what `planRecipes` does before it plans the last recipe.
 * @throws LabError as `planRecipes`
 */
export async function prepareRecipes(
  recipes: readonly Recipe[],
  inputs: ModelInputs,
  options: PlanRecipesOptions = {},
): Promise<PreparedRecipes> {
  return new StagePlanner(recipes, inputs, options).prepare(finalOf(recipes));
}

/**
 * All that decides how recipes are prepared. Those of one key differ in nothing but the last one's
 * method and parameters.
 */
export function preparationKey(recipes: readonly Recipe[]): string {
  const final = finalOf(recipes);
  const { name, baseModel, dtype, outDtype, tokenizer, chatTemplate } = final;
  return JSON.stringify([
    { name, baseModel, dtype, outDtype, tokenizer, chatTemplate },
    namedModels(final),
    recipes.slice(0, -1),
  ]);
}

function finalOf(recipes: readonly Recipe[]): Recipe {
  const final = recipes.at(-1);
  invariant(final, 'there is a recipe to plan');
  return final;
}

/**
 * Carries out a recipe's tokenizer and chat template: afterwards its models can be planned with like
 * any others. The inputs come back as they are when it has neither.
 * @throws LabError as `alignVocabularies`, `setChatTemplate`
 */
export async function prepareInputs(
  recipe: Recipe,
  inputs: ModelInputs,
  signal?: AbortSignal,
): Promise<PreparedInputs> {
  const aligned = await alignVocabularies(recipe, inputs, signal);
  const templated = await setChatTemplate(recipe, aligned.inputs, inputs, signal);
  return { inputs: templated.inputs, findings: [...aligned.findings, ...templated.findings] };
}

class StagePlanner {
  readonly #recipes: ReadonlyMap<string, Recipe>;
  readonly #inputs: ModelInputs;
  readonly #options: PlanRecipesOptions;
  readonly #stages = new Map<string, Promise<StagePlan>>();
  /** Of the last recipe and the stages that it needs: all are at work at once. */
  readonly #mergeCount: number;

  constructor(recipes: readonly Recipe[], inputs: ModelInputs, options: PlanRecipesOptions) {
    this.#recipes = new Map(
      recipes.flatMap((recipe) => (recipe.name === undefined ? [] : [[recipe.name, recipe]])),
    );
    this.#inputs = inputs;
    this.#options = options;
    // A page's models may have names that are no references; without stages they need not be.
    this.#mergeCount =
      this.#recipes.size === 0 ? 1 : recipes.length - neededModels(recipes).unusedStages.length;
  }

  async prepare(recipe: Recipe): Promise<PreparedRecipes> {
    const inputs = new Map(this.#inputs);
    const stages = new Map<string, StagePlan>();
    for (const id of namedModels(recipe)) {
      const stage = await this.#stageOf(id, recipe);
      if (stage === undefined) continue;
      inputs.set(id, stage.input);
      stages.set(stage.name, stage);
    }
    const prepared = await prepareInputs(recipe, inputs, this.#options.signal);
    return {
      plan: async (again, signal) => {
        const { budgetBytes, modelCount } = this.#options;
        const bounds = { budgetBytes, modelCount, mergeCount: this.#mergeCount };
        const plan = await planMerge(again, prepared.inputs, { signal, ...bounds });
        return withStages(plan, prepared.findings, [...stages.values()]);
      },
    };
  }

  /** The stage that a reference names, with the adapter that it may carry. */
  async #stageOf(id: string, user: Recipe): Promise<StagePlan | undefined> {
    if (this.#recipes.size === 0) return undefined;
    const { model, lora } = parseModelReference(id);
    const recipe = this.#recipes.get(model.path);
    if (recipe === undefined || recipe === user) return undefined;
    const known = this.#stages.get(model.path);
    const planning = known ?? this.#planStage(model.path, recipe);
    this.#stages.set(model.path, planning);
    const stage = await planning;
    if (lora === undefined) return stage;
    const { openAdapter, signal } = this.#options;
    if (openAdapter === undefined) {
      throw new LabError(
        'recipe/missing-model',
        `The adapter "${lora.path}" of the stage "${model.path}" is not here; merge it from the command line.`,
        { details: { model: id } },
      );
    }
    const input = await adaptModel(id, stage.input, await openAdapter(lora.path), signal);
    return { ...stage, input };
  }

  async #planStage(name: string, recipe: Recipe): Promise<StagePlan> {
    const plan = await (await this.prepare(recipe)).plan(recipe, this.#options.signal);
    return { name, plan, input: stagedInput(name, plan, this.#options.startRun) };
  }
}

interface StagePlan {
  readonly name: string;
  readonly plan: MergePlan;
  readonly input: ModelInput;
}

function withStages(
  plan: MergePlan,
  prepared: readonly Finding[],
  stages: readonly StagePlan[],
): MergePlan {
  if (stages.length === 0 && prepared.length === 0) return plan;
  const inStages = stages.flatMap(({ name, plan: { findings } }) =>
    findings.map((finding) => ({ ...finding, sentence: `In ${name}: ${finding.sentence}` })),
  );
  let { bytesRead, peakMemoryBytes } = plan.cost;
  for (const stage of stages) {
    const { cost } = stage.plan;
    bytesRead += cost.bytesRead + readAgainBytes(plan, stage);
    peakMemoryBytes += cost.peakMemoryBytes + stagedBytesOf(stage.plan);
  }
  return {
    ...plan,
    findings: [...inStages, ...prepared, ...plan.findings],
    cost: { ...plan.cost, bytesRead, peakMemoryBytes },
  };
}

/** What is read once more when a plan goes through a stage's large tensors more than once. */
function readAgainBytes({ tensors }: MergePlan, { input, plan }: StagePlan): number {
  const staged = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
  let againBytes = 0;
  for (const tensor of tensors) {
    if (tensor.kind === 'copy') continue;
    for (const { model, name } of new Set(tensor.sources)) {
      const made = model.checkpoint === input.checkpoint ? staged.get(name) : undefined;
      if (made === undefined || isKeptWhole(made, plan.shares)) continue;
      againBytes += (readsOf(tensor) - 1) * inputBytesOf(made);
    }
  }
  return againBytes;
}
