import type { LongTask } from '../../core/progress';
import type {
  Collection,
  Lab,
  PlacedModel,
  PlanReport,
  RunRequest,
  RunSummary,
} from '../../rpc/lab';
import type { HubListing, HubSearchResult } from '../../sources/hub/listing';
import type { StorageDetails } from '../../store/storage-details';

export interface LabParts {
  runs(): Promise<readonly RunSummary[]>;
  watchRuns(onChange: (runs: readonly RunSummary[]) => void, signal: AbortSignal): Promise<void>;
  startRun(request: RunRequest): Promise<string>;
  resumeRun(id: string): Promise<void>;
  pauseRun(id: string): Promise<void>;
  cancelRun(id: string): Promise<void>;
  renameRun(id: string, title: string): Promise<void>;
  deleteRun(id: string): Promise<void>;
  exportRun(id: string, target: WritableStream<Uint8Array>, task?: LongTask): Promise<void>;
  openModels(models: readonly PlacedModel[], baseId: string, task?: LongTask): Promise<Collection>;
  planModels(
    recipeText: string,
    models: readonly PlacedModel[],
    task?: LongTask,
  ): Promise<PlanReport>;
  searchHub(query: string, signal?: AbortSignal): Promise<readonly HubSearchResult[]>;
  describeHub(repo: string, revision: string, signal?: AbortSignal): Promise<HubListing>;
  setHub(settings: { readonly endpoint?: string; readonly token?: string }): Promise<void>;
  storageDetails(): Promise<StorageDetails>;
  deleteStored(modelId: string): Promise<void>;
  pinStored(modelId: string, pinned: boolean): Promise<void>;
  persistStorage(): Promise<boolean>;
}

export type WholeLab = Lab & LabParts;
