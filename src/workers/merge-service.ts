import { invariant, LabError } from '../core/errors';
import type { LongTask, OnProgress } from '../core/progress';
import { Transferred } from '../core/transferred';
import { LiveMerge } from '../engine/live-merge';
import { mergeToMemory, type MergedWeights } from '../engine/merged-weights';
import { describeOutput } from '../engine/output-files';
import { planMerge, type MergePlan } from '../engine/plan';
import { planRecipes } from '../engine/plan-recipes';
import type { MergeBackend } from '../expr/backend';
import type { Recipe } from '../recipe/recipe';
import { recipeHash } from '../recipe/recipe-hash';
import { LabStore } from '../store/lab-store';
import { Backends, isBackendLost } from './backends';
import type {
  BackendId,
  Collection,
  LabEnvironment,
  MergeReport,
  ModelSummary,
  PlanReport,
  StorageReport,
} from './lab-types';
import { CollectionInputs } from './collection-inputs';
import { isLiveSize } from './live-limit';
import { mergeKey } from './merge-key';
import {
  openCollection,
  type CollectionSource,
  type OpenCollection,
  type OpenModel,
} from './open-collection';
import { shadersOf } from './shader-texts';
import { writeZip } from './zip-output';

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

  async environment(): Promise<LabEnvironment> {
    return this.#backends.environment(await this.#store.isAvailable());
  }

  /** @throws LabError `gpu/unavailable`, `engine/unsupported` */
  async chooseBackend(id: BackendId | undefined): Promise<LabEnvironment> {
    this.#dropLive();
    await this.#backends.choose(id);
    return this.environment();
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
      kind: source.kind,
      base: summaryOf(base, 'base'),
      specialists: specialists.map((model) => summaryOf(model, 'specialist')),
      ...(adapters.size === 0 ? {} : { adapters: [...adapters.keys()] }),
      warnings: [...notes, ...(await warningsOf(collection, signal))],
    };
  }

  /**
   * Merges the open collection. Weights come back in one buffer that moves to the caller.
   * @throws LabError as `planMerge` and the back end
   */
  async merge(
    recipe: Recipe,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Transferred<{ readonly report: MergeReport; readonly weights: MergedWeights }>> {
    const merged = await this.#guarded((backend) =>
      this.#mergeWith(backend, recipe, { onProgress, signal }),
    );
    const { weights, plan } = merged;
    const backend = await this.#backends.current();
    const report: MergeReport = {
      recipeHash: await recipeHash(recipe),
      elapsedMs: merged.elapsedMs,
      bytesRead: merged.bytesRead,
      bytesWritten: merged.bytesWritten,
      backend: backend.id,
      device: backend.device,
      shaders: shadersOf(plan.tensors, plan.merge.method),
    };
    return new Transferred({ report, weights }, [weights.buffer]);
  }

  /**
   * What a merge would cost and all that speaks against it; no weight is read.
   * @throws LabError as `planRecipes`
   */
  async plan(recipe: Recipe, signal: AbortSignal | undefined): Promise<PlanReport> {
    const inputs = await this.#open.of([recipe], signal);
    const { cost, findings } = await planRecipes([recipe], inputs, { signal });
    return { cost, findings };
  }

  /** What a merge is and where it would be made, without making it. */
  async identify(recipe: Recipe): Promise<MergeIdentity> {
    const backend = await this.#backends.current();
    return {
      recipeHash: await recipeHash(recipe),
      device: backend.device,
      key: await mergeKey(recipe, this.#open.models, backend.id),
    };
  }

  /** Merges once more, straight into a zip: nothing of the merge is held in memory. */
  async exportTo(
    recipe: Recipe,
    target: WritableStream<Uint8Array>,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const title = `${recipe.mergeMethod}-merge`;
    await this.#guarded(async (backend) => {
      const inputs = await this.#open.of([recipe], signal);
      const plan = await planRecipes([recipe], inputs, { signal, backend });
      const files = describeOutput(plan, backend, { title, onProgress, signal });
      await writeZip(files, title, target, signal);
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

  async #mergeWith(backend: MergeBackend, recipe: Recipe, task: LongTask): Promise<Merged> {
    const inputs = await this.#open.of([recipe], task.signal);
    if (isLiveSize(this.#open.models)) {
      this.#live ??= new LiveMerge(backend, inputs);
      return this.#live.merge(recipe, task);
    }
    const startMs = performance.now();
    const plan = await planMerge(recipe, inputs, { signal: task.signal });
    const weights = await mergeToMemory(plan, backend, 'merge', task);
    return {
      weights,
      plan,
      elapsedMs: performance.now() - startMs,
      bytesRead: plan.cost.bytesRead,
      bytesWritten: plan.cost.bytesWritten,
    };
  }

  /** A lost device takes its buffers with it: the next merge starts on a new one. */
  async #guarded<T>(work: (backend: MergeBackend) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#backends.current());
    } catch (error) {
      if (error instanceof LabError && isBackendLost(error)) {
        this.#dropLive();
        this.#backends.drop();
      }
      throw error;
    }
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
