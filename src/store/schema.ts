import type { DBSchema } from 'idb';

/**
 * Size of one stored piece of a file. Far below the 127 MiB at which Chromium refuses a value, large
 * enough that throughput no longer depends on it (measured for 4 to 64 MiB in Chromium 156).
 */
export const chunkSizeBytes = 16 << 20;

/** A model folder of which files are kept. */
export interface ModelRecord {
  readonly id: string;
  /** For the storage panel. */
  readonly label: string;
  readonly kind: 'cache' | 'merge';
  readonly files: readonly {
    readonly path: string;
    readonly key: string;
    readonly sizeBytes: number;
  }[];
  readonly updatedAtMs: number;
}

/** A file counts as present only when `isComplete`; chunks of others wait for the rest. */
export interface FileRecord {
  /** Names the content, such as `sha256:…`; models with the same file share it. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
  readonly chunkCount: number;
  readonly isComplete: boolean;
  readonly updatedAtMs: number;
}

export interface ChunkRecord {
  readonly fileKey: string;
  readonly index: number;
  readonly offsetBytes: number;
  readonly bytes: ArrayBuffer;
  /** XXH3-128 of the bytes. */
  readonly checksum: string;
}

/** What a finished merge or evaluation was; `data` is plain JSON of its caller. */
export interface RunRecord {
  readonly id: string;
  readonly kind: string;
  readonly startedAtMs: number;
  readonly data: unknown;
}

/** A score and what it was measured on; `data` is plain JSON of its caller. */
export interface ScoreRecord {
  readonly modelHash: string;
  readonly itemSetHash: string;
  readonly dtype: string;
  readonly data: unknown;
  readonly updatedAtMs: number;
}

export const databaseName = 'mergelab';
export const databaseVersion = 1;

export interface LabSchema extends DBSchema {
  models: { key: string; value: ModelRecord };
  files: { key: string; value: FileRecord };
  chunks: { key: [fileKey: string, index: number]; value: ChunkRecord };
  runs: { key: string; value: RunRecord };
  scores: { key: [modelHash: string, itemSetHash: string, dtype: string]; value: ScoreRecord };
}
