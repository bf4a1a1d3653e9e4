import type { LabErrorCode } from '../core/errors';
import type { Caching } from '../store/caching';

export type { Caching } from '../store/caching';

/** Where a model of a run lies; kept in the run's record, so that it continues after a reload. */
export type ModelPlace =
  | { readonly kind: 'zoo'; readonly id: string }
  | { readonly kind: 'hub'; readonly repo: string; readonly revision: string }
  /** Files as a file input hands them over: for this visit only. */
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly File[] }
  /** Kept across visits; the permission is asked for again. */
  | { readonly kind: 'handle'; readonly handle: FileSystemHandle }
  | { readonly kind: 'stored'; readonly modelId: string };

/** A model under its name in the recipe, adapters included. */
export interface PlacedModel {
  readonly id: string;
  readonly place: ModelPlace;
}

/** A checkpoint in Hugging Face layout, or a folder that transformers.js loads. */
export type RunOutput = 'checkpoint' | 'fp16' | 'q8' | 'q4';

/**
 * Where an output goes: into this browser's store, as files into a folder on disk, or as one zip, into
 * a file on disk or as a download of this browser.
 */
export type RunTarget = 'store' | 'download' | FileSystemDirectoryHandle | FileSystemFileHandle;

export interface RunRequest {
  readonly title: string;
  readonly recipeText: string;
  readonly models: readonly PlacedModel[];
  readonly output: RunOutput;
  readonly to: RunTarget;
  readonly caching: Caching;
  /** Bound of the memory of page, workers and GPU together. */
  readonly budgetBytes: number;
}

/**
 * `waiting` for another run; `interrupted` by a closed tab, a crash or a lost device, and `paused` by
 * the person: both go on where they stopped.
 */
export type RunState =
  'waiting' | 'running' | 'paused' | 'interrupted' | 'done' | 'failed' | 'cancelled';

export interface RunSummary {
  readonly id: string;
  readonly title: string;
  readonly recipeHash: string;
  readonly recipeText: string;
  readonly models: readonly { readonly id: string; readonly shown: string }[];
  readonly output: RunOutput;
  readonly state: RunState;
  readonly createdAtMs: number;
  /** Time spent working, without pauses. */
  readonly elapsedMs: number;
  /** Of the output. */
  readonly doneBytes: number;
  /** Of the output; 0 until it is planned. */
  readonly totalBytes: number;
  readonly bytesPerSecond?: number;
  readonly leftMs?: number;
  readonly stage?: string;
  /** Of the finished output. */
  readonly sizeBytes?: number;
  readonly error?: { readonly code: LabErrorCode | 'unknown'; readonly sentence: string };
  /** What to know of a finished output. */
  readonly notice?: string;
  /** Where the output goes outside this browser; absent when this browser keeps it. */
  readonly writtenTo?: { readonly kind: 'folder' | 'zip' | 'download'; readonly name: string };
  /** Another tab works on it. */
  readonly isElsewhere: boolean;
}
