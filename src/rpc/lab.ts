import type { LongTask } from '../core/progress';
import type { DomainId } from '../eval/tasks/task';
import type { Recipe } from '../recipe/recipe';

/** A way to run the merge, as offered to the person. */
export type BackendId = 'webgpu' | 'wasm' | 'oracle';

export interface BackendOption {
  readonly id: BackendId;
  readonly available: boolean;
  /** What it runs on ("2 threads with SIMD"), or why it is not available. */
  readonly description: string;
}

/** What this browser offers, found out once at the start. */
export interface LabEnvironment {
  readonly backends: readonly BackendOption[];
  readonly chosen: BackendId;
  /** Whether the choice was the lab's own or the person's. */
  readonly chosenBy: 'lab' | 'person';
  /** `software` is an emulated adapter: correct, slower than WebAssembly. */
  readonly webgpu: 'hardware' | 'software' | 'none';
  readonly crossOriginIsolated: boolean;
  readonly hardwareThreads: number;
  /** Whether models and scores are kept between visits; false in private windows. */
  readonly storageAvailable: boolean;
}

/** One opened model: a base or a specialist. */
export interface ModelSummary {
  /** Unique in its collection; the name in recipes, sliders and slots. */
  readonly id: string;
  readonly title: string;
  readonly role: 'base' | 'specialist';
  readonly parameterCount: number;
  readonly sizeBytes: number;
  readonly dtype: string;
}

/** A base and its specialists, ready to merge. */
export interface Collection {
  readonly kind: 'zoo' | 'folders';
  readonly base: ModelSummary;
  readonly specialists: readonly ModelSummary[];
  /** Findings that do not stop a merge, as sentences. */
  readonly warnings: readonly string[];
}

/** A folder a person picked, with its files as the browser hands them over. */
export interface PickedFolder {
  readonly name: string;
  readonly files: readonly File[];
}

/** Which loaded model speaks: `base`, `merge`, or a specialist's id. */
export type Slot = string;

export interface MergeReport {
  readonly recipeHash: string;
  readonly elapsedMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly backend: BackendId;
  readonly device: string;
  /** The WGSL of the kernel, shown to students; present for every back end. */
  readonly shaderText: string;
}

export interface ItemReport {
  readonly id: string;
  readonly domain: DomainId;
  readonly kind: string;
  readonly prompt: string;
  readonly reply: string;
  readonly expected: string;
  readonly passed: boolean;
  /** One sentence: why it passed or failed. */
  readonly reason: string;
}

/** A domain's score so far, with a 95 % Wilson interval. */
export interface DomainScore {
  readonly domain: DomainId;
  readonly passedCount: number;
  readonly itemCount: number;
  readonly score01: number;
  readonly low01: number;
  readonly high01: number;
}

export interface EvaluationRequest {
  readonly slot: Slot;
  /** `quick` is a small stratified subset for live sliders; `full` is every item. */
  readonly selection: 'quick' | 'full';
  readonly domains: readonly DomainId[];
}

export interface EvaluationUpdate {
  readonly slot: Slot;
  readonly scores: readonly DomainScore[];
  readonly newItems: readonly ItemReport[];
  readonly doneCount: number;
  readonly totalCount: number;
  /** True when the scores come from the store and nothing was run. */
  readonly fromStore: boolean;
  readonly elapsedMs: number;
}

export interface GenerationRequest {
  readonly slot: Slot;
  readonly prompt: string;
  readonly maxNewTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly seed: number;
}

export interface GenerationReport {
  readonly text: string;
  readonly tokenCount: number;
  readonly tokensPerSecond: number;
}

export interface StorageReport {
  readonly available: boolean;
  readonly usedBytes: number;
  readonly quotaBytes: number;
  readonly models: readonly { readonly id: string; readonly sizeBytes: number }[];
}

/**
 * Everything the page can ask for. The work happens in workers; every method may reject with a
 * LabError, and with an AbortError when its signal fires.
 */
export interface Lab {
  environment(): Promise<LabEnvironment>;
  /** `undefined` gives the choice back to the lab. */
  chooseBackend(id: BackendId | undefined): Promise<LabEnvironment>;
  openZoo(task?: LongTask): Promise<Collection>;
  /** The first folder whose name is `baseName` is the base, the others are specialists. */
  openFolders(
    folders: readonly PickedFolder[],
    baseName: string,
    task?: LongTask,
  ): Promise<Collection>;
  /** Merges and loads the result into the slot `merge`; the newest call wins, older ones abort. */
  merge(recipe: Recipe, task?: LongTask): Promise<MergeReport>;
  /** Calls `onUpdate` as scores refine and resolves with the last update. */
  evaluate(
    request: EvaluationRequest,
    onUpdate: (update: EvaluationUpdate) => void,
    task?: LongTask,
  ): Promise<EvaluationUpdate>;
  /** Calls `onText` with each new piece of text. */
  generate(
    request: GenerationRequest,
    onText: (piece: string) => void,
    task?: LongTask,
  ): Promise<GenerationReport>;
  /** Streams the merged checkpoint as a zip in Hugging Face layout to the given writable. */
  exportMerge(recipe: Recipe, target: WritableStream<Uint8Array>, task?: LongTask): Promise<void>;
  storage(): Promise<StorageReport>;
  clearStorage(): Promise<StorageReport>;
  /** Ends the workers; the next call starts them anew. */
  close(): void;
}
