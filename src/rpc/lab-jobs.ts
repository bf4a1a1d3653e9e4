import type { LongTask } from '../core/progress';
import type { HubListing, HubSearchResult } from '../sources/hub/listing';
import type { Pushed } from '../sources/hub/push';
import type { StorageDetails } from '../store/storage-details';
import type { ExportTarget } from '../workers/export-target';
import type { HubAccess } from '../workers/opened-place';
import type { PushTarget } from '../workers/run-catalogue';
import { CatalogueConnection } from './catalogue-connection';
import type { BackendId, PlacedModel, PlanReport, RunRequest, RunSummary, RunTarget } from './lab';
import { RunDesk } from './run-desk';

export interface LabJobsSetting {
  /** Folder of the zoo's manifest, with a final slash. */
  readonly zooUrl: string;
  /** What the person chose to compute on, if they did. */
  readonly backend: () => BackendId | undefined;
}

/**
 * The part of the lab that outlives a visit: merges as jobs, models on a hub and in the store. Every
 * method may reject with a LabError, and with an AbortError when its signal fires.
 */
export class LabJobs {
  readonly #setting: LabJobsSetting;
  readonly #catalogue = new CatalogueConnection();
  readonly #desk: RunDesk;

  constructor(setting: LabJobsSetting) {
    this.#setting = setting;
    this.#desk = new RunDesk({
      ...setting,
      hub: () => this.hub,
      catalogue: () => this.#catalogue.service(),
    });
  }

  /** All runs, the newest first. */
  async runs(): Promise<readonly RunSummary[]> {
    return this.#desk.runs();
  }

  /** Tells the list now and after every change, until the signal fires. */
  async watchRuns(
    onChange: (runs: readonly RunSummary[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#desk.watch(onChange, signal);
  }

  /**
   * Begins a merge as a job; what becomes of it is told by `watchRuns`.
   * @returns its id, as soon as it is written down
   */
  async startRun(request: RunRequest): Promise<string> {
    return this.#desk.start(request);
  }

  /**
   * Goes on with a run that was paused, interrupted or failed. Call it from a click: folders on disk
   * may need the person's permission again.
   */
  async resumeRun(id: string): Promise<void> {
    return this.#desk.resume(id);
  }

  /** What a run was asked for; files of folders that were picked for one visit are gone. */
  async requestOfRun(id: string): Promise<RunRequest> {
    return this.#catalogue.service().requestOf(id);
  }

  /**
   * Begins a run once more, as a new one. Call it from a click, as `resumeRun`.
   * @param to where it goes this time; as before unless given
   * @returns its id
   */
  async repeatRun(id: string, to?: RunTarget): Promise<string> {
    return this.#desk.repeat(id, to);
  }

  /** Uploads a finished run as a new model of a hub. */
  async pushRun(
    id: string,
    to: PushTarget,
    { onProgress, signal }: LongTask = {},
  ): Promise<Pushed> {
    return this.#catalogue.service().pushTo(id, to, onProgress, signal);
  }

  /** Finishes the slice at work and frees the worker. */
  async pauseRun(id: string): Promise<void> {
    return this.#desk.pause(id);
  }

  /** Ends a run and deletes what it wrote. */
  async cancelRun(id: string): Promise<void> {
    return this.#desk.cancel(id);
  }

  async renameRun(id: string, title: string): Promise<void> {
    return this.#desk.rename(id, title);
  }

  /** Deletes a run with its output; one that is at work is cancelled first. */
  async deleteRun(id: string): Promise<void> {
    return this.#desk.remove(id);
  }

  /** Writes the output of a finished run as a zip, piece by piece. */
  async exportRun(id: string, target: ExportTarget, task: LongTask = {}): Promise<void> {
    return this.#desk.exportTo(id, target, task);
  }

  /** What a merge of placed models would cost and what speaks against it; reads headers only. */
  async planModels(
    recipeText: string,
    models: readonly PlacedModel[],
    { signal }: LongTask = {},
  ): Promise<PlanReport> {
    const { zooUrl } = this.#setting;
    return this.#catalogue.service().planModels(recipeText, models, zooUrl, signal);
  }

  /** Models with safetensors weights whose names fit, most downloaded first. */
  async searchHub(query: string, signal?: AbortSignal): Promise<readonly HubSearchResult[]> {
    return this.#catalogue.service().searchHub(query, signal);
  }

  async describeHub(repo: string, revision: string, signal?: AbortSignal): Promise<HubListing> {
    return this.#catalogue.service().describeHub(repo, revision, signal);
  }

  /** With whom and as whom to talk from now on; the token stays in memory. */
  async setHub(hub: HubAccess): Promise<void> {
    await this.#catalogue.setHub(hub);
  }

  async storageDetails(): Promise<StorageDetails> {
    return this.#catalogue.service().storageDetails();
  }

  /** Deletes a stored model and those of its files that no other uses. */
  async deleteStored(modelId: string): Promise<void> {
    await this.#catalogue.service().deleteStored(modelId);
  }

  /** Exempts a stored model from eviction, or not any more. */
  async pinStored(modelId: string, isPinned: boolean): Promise<void> {
    await this.#catalogue.service().pinStored(modelId, isPinned);
  }

  /** Asks the browser never to delete the lab's data by itself; only a page can. */
  async persistStorage(): Promise<boolean> {
    try {
      return await navigator.storage.persist();
    } catch {
      return false;
    }
  }

  /** Ends the workers: runs of this page are interrupted and can be resumed. */
  close(): void {
    this.#desk.close();
    this.#catalogue.close();
  }

  protected get hub(): HubAccess {
    return this.#catalogue.hub;
  }
}
