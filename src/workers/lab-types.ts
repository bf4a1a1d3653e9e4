import type { ItemResult } from '../eval/item-result';
import type { DomainScore } from '../eval/score-keeper';
import type { Finding } from '../engine/finding';
import type { MergeCost } from '../engine/plan';
import type { DomainId } from '../eval/tasks/task';
import type { Recipe } from '../recipe/recipe';
import type { ShaderPart } from './shader-texts';

export type { Finding } from '../engine/finding';
export type { MergeCost } from '../engine/plan';
export type { DomainScore } from '../eval/score-keeper';
export type {
  Caching,
  ModelPlace,
  PlacedModel,
  RunOutput,
  RunRequest,
  RunState,
  RunSummary,
  RunTarget,
} from './run-types';
export type { ShaderPart } from './shader-texts';

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
  /** Names of the open adapters, which recipes write as `model+adapter`; absent when there are none. */
  readonly adapters?: readonly string[];
  /** Findings that do not stop a merge, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * A model or adapter that a person picked, with its files as the browser hands them over: a folder, or
 * one safetensors file.
 */
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
  /** The kernels in WGSL, shown to students; present for every back end. */
  readonly shaders: readonly ShaderPart[];
}

/** What a merge would cost and what speaks against it, from headers alone. */
export interface PlanReport {
  readonly cost: MergeCost;
  readonly findings: readonly Finding[];
}

/** One item with prompt, reply, expected reply and the reason of its verdict. */
export type ItemReport = ItemResult;

export interface EvaluationRequest {
  readonly slot: Slot;
  /** `quick` is a small stratified subset for live sliders; `full` is every item. */
  readonly selection: 'quick' | 'full';
  readonly domains: readonly DomainId[];
}

export interface EvaluationUpdate {
  readonly slot: Slot;
  /** In what numbers the model ran, such as `fp32` or `q4`. */
  readonly dtype: string;
  /** Draws the order of the items; replies are greedy and need none. */
  readonly seed: number;
  readonly scores: readonly DomainScore[];
  readonly newItems: readonly ItemReport[];
  readonly doneCount: number;
  readonly totalCount: number;
  /** True when the scores come from the store and nothing was run. */
  readonly fromStore: boolean;
  readonly elapsedMs: number;
}

/**
 * What a merge is made by: the last recipe is merged, earlier ones are its stages, each of which uses
 * only earlier ones.
 */
export type Recipes = readonly Recipe[];

/** A merge to be made and scored beside the one that the sliders make. */
export interface RecipeScoreRequest {
  readonly recipes: Recipes;
  readonly selection: EvaluationRequest['selection'];
  readonly domains: readonly DomainId[];
}

export interface RecipeScore {
  readonly recipeHash: string;
  /** How long the merge took; as it was then, where the scores were remembered. */
  readonly mergeMs: number;
  /** What merged it. */
  readonly device: string;
  readonly last: EvaluationUpdate;
}

/** A merge to be written. */
export interface ExportRequest {
  readonly recipes: Recipes;
  /** The recipes as a person wrote them; written beside the weights as they are. */
  readonly recipeText?: string | undefined;
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
