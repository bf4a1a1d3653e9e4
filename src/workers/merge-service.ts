import { invariant, LabError } from '../core/errors';
import type { LongTask, OnProgress } from '../core/progress';
import { Transferred } from '../core/transferred';
import { LiveMerge } from '../engine/live-merge';
import { liveBackendBytes } from '../engine/memory-shares';
import { mergeToMemory, type MergedWeights } from '../engine/merged-weights';
import { mergedFiles } from '../engine/output-config';
import { describeOutput } from '../engine/output-files';
import { planMerge, type MergePlan } from '../engine/plan';
import { planRecipes, type PlanRecipesOptions } from '../engine/plan-recipes';
import { runsOn } from '../engine/run-merge';
import type { MergeBackend } from '../expr/backend';
import type { Recipe } from '../recipe/recipe';
import { recipesHash } from '../recipe/recipe-hash';
import { writeRecipes } from '../recipe/write-recipe';
import { readModelTexts } from '../model/read-texts';
import type { ModelFiles } from '../sources/model-files';
import { LabStore } from '../store/lab-store';
import { Backends, isBackendLost } from './backends';
import type {
  BackendId,
  Collection,
  ExportRequest,
  LabEnvironment,
  MergeReport,
  ModelSummary,
  PlanReport,
  Recipes,
  StorageReport,
} from './lab-types';
import { CollectionInputs } from './collection-inputs';
import type { ExportTarget } from './export-target';
import { exportZip } from './export-zip';
import { isLiveSize } from './live-limit';
import { mergeKey } from './merge-key';
import type { MergedModel } from './merged-model';
import {
  openCollection,
  type CollectionSource,
  type OpenCollection,
  type OpenModel,
} from './open-collection';
import { shadersOf } from './shader-texts';

interface Merged {
  readonly weights: MergedWeights;
  readonly plan: MergePlan;
  readonly elapsedMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** One merge, made or not. */
export interface MergeIdentity {
  readonly recipeHash: string;
  readonly device: string;
  /** Of its scores; undefined where the content of the models is not known. */
  readonly key: string | undefined;
}

/** Opens, plans and merges models; lives in the merge worker. */
export class MergeService {
  readonly #store = new LabStore();
  readonly #backends = new Backends();
  #inputs: CollectionInputs | undefined;
  #live: LiveMerge | undefined;
  /** Of page, workers and graphics together, as the page last said. */
  #budgetBytes: number | undefined;
  /** Calls that are using the back end. */
  #busyCount = 0;

  async environment(): Promise<LabEnvironment> {
    return this.#backends.environment(await this.#store.isAvailable());
  }

  /** @throws LabError `gpu/unavailable`, `engine/unsupported` */
  async chooseBackend(id: BackendId | undefined): Promise<LabEnvironment> {
    this.#dropLive();
    await this.#backends.choose(id);
    return this.environment();
  }

  /** Bounds the memory of merges that begin from now on; those that are going on keep theirs. */
  boundMemory(budgetBytes: number): void {
    this.#budgetBytes = budgetBytes;
    this.#applyBound();
  }

  async open(
    source: CollectionSource,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Collection> {
    const collection = await openCollection(source, this.#store, { onProgress, signal });
    this.#dropLive();
    this.#inputs = new CollectionInputs(collection);
    const { base, specialists, adapters, notes } = collection;
    return {
      kind: source.kind === 'zoo' ? 'zoo' : 'folders',
      base: summaryOf(base, 'base'),
      specialists: specialists.map((model) => summaryOf(model, 'specialist')),
      ...(adapters.size === 0 ? {} : { adapters: [...adapters.keys()] }),
      warnings: [...notes, ...(await warningsOf(collection, signal))],
    };
  }

  /**
   * Merges the open collection. Weights come back in one buffer that moves to the caller.
   * @throws LabError as `planRecipes` and the back end
   */
  async merge(
    recipes: Recipes,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Transferred<MergedModel & { readonly report: MergeReport }>> {
    const merged = await this.#guarded((backend) =>
      this.#mergeWith(backend, recipes, { onProgress, signal }),
    );
    const { weights, plan } = merged;
    const backend = await this.#backends.current();
    const report: MergeReport = {
      recipeHash: await recipesHash(recipes),
      elapsedMs: merged.elapsedMs,
      bytesRead: merged.bytesRead,
      bytesWritten: merged.bytesWritten,
      backend: backend.id,
      device: backend.device,
      shaders: shadersOf(plan.tensors, plan.merge.method),
    };
    const texts = await readModelTexts(mergedFiles('merge', plan), signal);
    return new Transferred({ report, weights, texts }, [weights.buffer]);
  }

  /**
   * What a merge would cost and all that speaks against it; no weight is read.
   * @throws LabError as `planRecipes`
   */
  async plan(recipes: Recipes, signal: AbortSignal | undefined): Promise<PlanReport> {
    const { cost, findings } = await this.#plan(recipes, { signal });
    return { cost, findings };
  }

  /** What a merge is and where it would be made, without making it. */
  async identify(recipes: Recipes): Promise<MergeIdentity> {
    const backend = await this.#backends.current();
    return {
      recipeHash: await recipesHash(recipes),
      device: backend.device,
      key: await mergeKey(recipes, this.#open.models, backend.id),
    };
  }

  /** Merges once more, straight into a zip: nothing of the merge is held in memory. */
  async exportTo(
    { recipes, recipeText = writeRecipes(recipes) }: ExportRequest,
    target: ExportTarget,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#guarded(async (backend) => {
      const plan = await this.#plan(recipes, { signal, startRun: runsOn(backend) });
      const title = `${plan.merge.recipe.mergeMethod}-merge`;
      const files = describeOutput(plan, backend, { title, recipeText, onProgress, signal });
      await exportZip(files, title, target, signal);
    });
  }

  async storage(): Promise<StorageReport> {
    const { isAvailable, usedBytes, quotaBytes, models } = await this.#store.contents();
    return {
      available: isAvailable,
      usedBytes,
      quotaBytes,
      models: models.map(({ label, storedBytes }) => ({ id: label, sizeBytes: storedBytes })),
    };
  }

  /** Deletes what is kept between visits. Open models stay usable: they are in memory. */
  async clearStorage(): Promise<StorageReport> {
    await this.#store.clear();
    return this.storage();
  }

  async #mergeWith(backend: MergeBackend, recipes: Recipes, task: LongTask): Promise<Merged> {
    if (isLiveSize(this.#open.models)) {
      const inputs = await this.#open.of(recipes, task.signal);
      this.#live ??= new LiveMerge(backend, inputs, this.#backendBytes);
      return this.#live.merge(recipes, task);
    }
    const startMs = performance.now();
    const plan = await this.#plan(recipes, {
      signal: task.signal,
      startRun: runsOn(backend),
    });
    const weights = await mergeToMemory(plan, backend, 'merge', task);
    return {
      weights,
      plan,
      elapsedMs: performance.now() - startMs,
      bytesRead: plan.cost.bytesRead,
      bytesWritten: plan.cost.bytesWritten,
    };
  }

  async #plan(recipes: Recipes, options: PlanRecipesOptions): Promise<MergePlan> {
    const inputs = await this.#open.of(recipes, options.signal);
    const openAdapter = async (name: string): Promise<ModelFiles> =>
      Promise.resolve(this.#open.adapter(name));
    const budgetBytes = this.#budgetBytes;
    return planRecipes(recipes, inputs, { ...options, budgetBytes, openAdapter });
  }

  /** A lost device takes its buffers with it: the next merge starts on a new one. */
  async #guarded<T>(work: (backend: MergeBackend) => Promise<T>): Promise<T> {
    this.#applyBound();
    this.#busyCount += 1;
    try {
      return await work(await this.#backends.current());
    } catch (error) {
      if (error instanceof LabError && isBackendLost(error)) {
        this.#dropLive();
        this.#backends.drop();
      }
      throw error;
    } finally {
      this.#busyCount -= 1;
    }
  }

  /** A back end keeps the bound that it was made with, so it goes once nothing uses it. */
  #applyBound(): void {
    const memoryBytes = this.#backendBytes;
    if (memoryBytes === undefined || this.#busyCount > 0) return;
    if (this.#backends.bound(memoryBytes)) this.#dropLive();
  }

  get #backendBytes(): number | undefined {
    return this.#budgetBytes === undefined ? undefined : liveBackendBytes(this.#budgetBytes);
  }

  get #open(): CollectionInputs {
    invariant(this.#inputs, 'a collection is open');
    return this.#inputs;
  }

  #dropLive(): void {
    this.#live?.dispose();
    this.#live = undefined;
  }
}

function summaryOf(model: OpenModel, role: ModelSummary['role']): ModelSummary {
  const { id, title, parameterCount, sizeBytes, dtype } = model;
  return { id, title, role, parameterCount, sizeBytes, dtype };
}

/** What speaks against merging all open models at once, as sentences. */
async function warningsOf(
  { base, specialists }: OpenCollection,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  if (specialists.length === 0) {
    return [`Only ${base.title} is open. Open at least one model tuned from it to merge.`];
  }
  const recipe: Recipe = {
    mergeMethod: 'task_arithmetic',
    baseModel: base.id,
    models: specialists.map(({ id }) => ({ model: id, parameters: { weight: 1 } })),
    parameters: {},
  };
  const inputs = new Map([base, ...specialists].map((model) => [model.id, model]));
  const plan = await planMerge(recipe, inputs, { signal });
  const telling = plan.findings.filter(({ severity }) => severity !== 'note');
  return telling.map((finding) => finding.sentence);
}
