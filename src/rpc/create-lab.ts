import { LatestOnly } from '../core/abort';
import type { LongTask } from '../core/progress';
import { sentTarget } from '../workers/export-target';
import type { InferService } from '../workers/infer-service';
import type { MergeService } from '../workers/merge-service';
import type { CollectionSource } from '../workers/open-collection';
import { connect, type Connection } from './connect';
import type {
  BackendId,
  Collection,
  EvaluationRequest,
  EvaluationUpdate,
  ExportRequest,
  ExportTarget,
  GenerationReport,
  GenerationRequest,
  Lab,
  LabEnvironment,
  MergeReport,
  PlacedModel,
  PlanReport,
  RecipeScore,
  RecipeScoreRequest,
  Recipes,
  StorageReport,
} from './lab';
import { LabJobs } from './lab-jobs';
import { Transferred } from '../core/transferred';

/** Starts the lab of this page. Workers start with the first call that needs them. */
export function createLab(): Lab & LabJobs {
  return new WorkerLab();
}

/** Merging in one worker, running models in another; the page only passes handles between them. */
class WorkerLab extends LabJobs implements Lab {
  #merging: Connection<MergeService> | undefined;
  #inferring: Connection<InferService> | undefined;
  #source: CollectionSource | undefined;
  #chosenBackend: BackendId | undefined;
  #budgetBytes: number | undefined;
  readonly #merges = new LatestOnly();

  constructor() {
    super({ zooUrl: siteUrl('zoo/'), backend: () => this.#chosenBackend });
  }

  async environment(): Promise<LabEnvironment> {
    return (await this.#merger()).environment();
  }

  async chooseBackend(id: BackendId | undefined): Promise<LabEnvironment> {
    this.#chosenBackend = id;
    return (await this.#merger()).chooseBackend(id);
  }

  async boundMemory(budgetBytes: number): Promise<void> {
    this.#budgetBytes = budgetBytes;
    await this.#merging?.service.boundMemory(budgetBytes);
  }

  async openZoo(task: LongTask = {}): Promise<Collection> {
    return this.#open({ kind: 'zoo', url: siteUrl('zoo/') }, task);
  }

  /** Opens placed models as the collection of the page; those of a hub through the store. */
  async openModels(
    models: readonly PlacedModel[],
    baseId: string,
    task: LongTask = {},
  ): Promise<Collection> {
    const zooUrl = siteUrl('zoo/');
    return this.#open({ kind: 'placed', models, baseId, zooUrl, hub: this.hub }, task);
  }

  async plan(recipes: Recipes, task: LongTask = {}): Promise<PlanReport> {
    return (await this.#merger()).plan(recipes, task.signal);
  }

  async merge(recipes: Recipes, task: LongTask = {}): Promise<MergeReport> {
    const newest = this.#merges.begin();
    const signal = task.signal === undefined ? newest : AbortSignal.any([newest, task.signal]);
    const merger = await this.#merger();
    const { report, ...model } = await merger.merge(recipes, task.onProgress, signal);
    signal.throwIfAborted();
    const infer = await this.#inferrer();
    await infer.setMerged('merge', new Transferred(model, [model.weights.buffer]), signal);
    return report;
  }

  async evaluate(
    request: EvaluationRequest,
    onUpdate: (update: EvaluationUpdate) => void,
    task: LongTask = {},
  ): Promise<EvaluationUpdate> {
    return (await this.#inferrer()).evaluate(request, onUpdate, task.onProgress, task.signal);
  }

  async scoreRecipe(
    { recipes, selection, domains }: RecipeScoreRequest,
    onUpdate: (update: EvaluationUpdate) => void,
    { signal, onProgress }: LongTask = {},
  ): Promise<RecipeScore> {
    const merger = await this.#merger();
    const infer = await this.#inferrer();
    const { key, ...about } = await merger.identify(recipes);
    const request: EvaluationRequest = { slot: 'candidate', selection, domains };
    const found = await infer.recall(key, request, signal);
    if (found?.mergeMs !== undefined) return { ...about, mergeMs: found.mergeMs, last: found.last };
    const { report, ...model } = await merger.merge(recipes, onProgress, signal);
    signal?.throwIfAborted();
    await infer.setMerged('candidate', new Transferred(model, [model.weights.buffer]), signal);
    const mergeMs = report.elapsedMs;
    const kept = { key, mergeMs };
    const last = await infer.scoreCandidate(request, kept, onUpdate, onProgress, signal);
    return { ...about, mergeMs, last };
  }

  async recallScores(
    { recipes, selection, domains }: RecipeScoreRequest,
    { signal }: LongTask = {},
  ): Promise<EvaluationUpdate | undefined> {
    const { key } = await (await this.#merger()).identify(recipes);
    const infer = await this.#inferrer();
    return (await infer.recall(key, { slot: 'merge', selection, domains }, signal))?.last;
  }

  async generate(
    request: GenerationRequest,
    onText: (piece: string) => void,
    task: LongTask = {},
  ): Promise<GenerationReport> {
    return (await this.#inferrer()).generate(request, onText, task.onProgress, task.signal);
  }

  async exportMerge(
    request: ExportRequest,
    target: ExportTarget,
    task: LongTask = {},
  ): Promise<void> {
    const merger = await this.#merger();
    await merger.exportTo(request, sentTarget(target), task.onProgress, task.signal);
  }

  async storage(): Promise<StorageReport> {
    return (await this.#merger()).storage();
  }

  async clearStorage(): Promise<StorageReport> {
    return (await this.#merger()).clearStorage();
  }

  override close(): void {
    this.#merges.cancel();
    this.#merging?.close();
    this.#inferring?.close();
    super.close();
    this.#merging = undefined;
    this.#inferring = undefined;
  }

  async #open(source: CollectionSource, task: LongTask): Promise<Collection> {
    const merger = await this.#merger();
    const collection = await merger.open(source, task.onProgress, task.signal);
    this.#source = source;
    const infer = await this.#inferrer();
    await infer.useCollection(source);
    return collection;
  }

  /** A worker that was started anew is told again what the page had told the one before. */
  async #merger(): Promise<Connection<MergeService>['service']> {
    if (this.#merging !== undefined) return this.#merging.service;
    const worker = new Worker(new URL('../../workers/merge.worker.ts', import.meta.url), {
      type: 'module',
      name: 'merge',
    });
    const connection = connect<MergeService>(worker, 'merge', () => {
      this.#merging = undefined;
    });
    this.#merging = connection;
    const { service } = connection;
    if (this.#budgetBytes !== undefined) await service.boundMemory(this.#budgetBytes);
    if (this.#chosenBackend !== undefined) await service.chooseBackend(this.#chosenBackend);
    if (this.#source !== undefined) await service.open(this.#source, undefined, undefined);
    return service;
  }

  async #inferrer(): Promise<Connection<InferService>['service']> {
    if (this.#inferring !== undefined) return this.#inferring.service;
    const worker = new Worker(new URL('../../workers/infer.worker.ts', import.meta.url), {
      type: 'module',
      name: 'infer',
    });
    const connection = connect<InferService>(worker, 'inference', () => {
      this.#inferring = undefined;
    });
    this.#inferring = connection;
    const { service } = connection;
    await service.start({
      ortUrl: siteUrl('ort/'),
      pyodideUrl: siteUrl('pyodide/'),
      zooUrl: siteUrl('zoo/'),
    });
    if (this.#source !== undefined) await service.useCollection(this.#source);
    return service;
  }
}

/** The absolute address of a path of this site, wherever it is mounted. */
function siteUrl(path: string): string {
  return new URL(path, document.baseURI).href;
}
