import type { LongTask } from '../core/progress';
import type { ExportTarget } from '../workers/export-target';
import type {
  BackendId,
  Collection,
  EvaluationRequest,
  EvaluationUpdate,
  ExportRequest,
  GenerationReport,
  GenerationRequest,
  LabEnvironment,
  MergeReport,
  PlanReport,
  RecipeScore,
  RecipeScoreRequest,
  Recipes,
  StorageReport,
} from '../workers/lab-types';

export type { ExportTarget } from '../workers/export-target';
export type {
  BackendId,
  BackendOption,
  Caching,
  Collection,
  DomainScore,
  EvaluationRequest,
  EvaluationUpdate,
  ExportRequest,
  Finding,
  GenerationReport,
  GenerationRequest,
  ItemReport,
  LabEnvironment,
  MergeCost,
  MergeReport,
  ModelPlace,
  ModelSummary,
  PickedFolder,
  PlacedModel,
  PlanReport,
  RecipeScore,
  RecipeScoreRequest,
  Recipes,
  RunOutput,
  RunRequest,
  RunState,
  RunSummary,
  RunTarget,
  ShaderPart,
  Slot,
  StorageReport,
} from '../workers/lab-types';

/**
 * Everything the page can ask for. The work happens in workers; every method may reject with a
 * LabError, and with an AbortError when its signal fires.
 */
export interface Lab {
  environment(): Promise<LabEnvironment>;
  /** `undefined` gives the choice back to the lab. */
  chooseBackend(id: BackendId | undefined): Promise<LabEnvironment>;
  /**
   * Bounds the memory of page, workers and graphics together while merging, in bytes. Merges that
   * are going on keep the bound they began with.
   */
  boundMemory(budgetBytes: number): Promise<void>;
  openZoo(task?: LongTask): Promise<Collection>;
  /** What a merge would cost and what speaks against it; reads headers only. */
  plan(recipes: Recipes, task?: LongTask): Promise<PlanReport>;
  /** Merges and loads the result into the slot `merge`; the newest call wins, older ones abort. */
  merge(recipes: Recipes, task?: LongTask): Promise<MergeReport>;
  /** Calls `onUpdate` as scores refine and resolves with the last update. */
  evaluate(
    request: EvaluationRequest,
    onUpdate: (update: EvaluationUpdate) => void,
    task?: LongTask,
  ): Promise<EvaluationUpdate>;
  /**
   * Merges and scores a recipe beside the slot `merge`, unless its scores were kept from before. A
   * call of `merge` meanwhile ends it with an AbortError.
   */
  scoreRecipe(
    request: RecipeScoreRequest,
    onUpdate: (update: EvaluationUpdate) => void,
    task?: LongTask,
  ): Promise<RecipeScore>;
  /**
   * Scores kept from before of what recipes make, as of the slot `merge`; nothing is merged.
   * @returns undefined when there are none
   */
  recallScores(request: RecipeScoreRequest, task?: LongTask): Promise<EvaluationUpdate | undefined>;
  /** Calls `onText` with each new piece of text. */
  generate(
    request: GenerationRequest,
    onText: (piece: string) => void,
    task?: LongTask,
  ): Promise<GenerationReport>;
  /** Writes the merged checkpoint as a zip in Hugging Face layout, piece by piece. */
  exportMerge(request: ExportRequest, target: ExportTarget, task?: LongTask): Promise<void>;
  storage(): Promise<StorageReport>;
  clearStorage(): Promise<StorageReport>;
  /** Ends the workers; the next call starts them anew. */
  close(): void;
}
