import type { DBSchema } from 'idb';

/**
 * Size of one stored piece of a file. Far below the 127 MiB at which Chromium refuses a value, large
 * enough that throughput no longer depends on it (measured for 4 to 64 MiB in Chromium 156).
 */
export const chunkSizeBytes = 16 << 20;

/** Where a model came from, so that it opens again without the network. */
export interface ModelSource {
  readonly kind: 'hub';
  readonly repo: string;
  /** As asked for, such as `main`. */
  readonly revision: string;
  /** What the revision was then. */
  readonly commit: string;
}

/** A model folder of which files are kept. */
export interface ModelRecord {
  readonly id: string;
  /** For the storage panel. */
  readonly label: string;
  /** A `cache` can be had again from its source; a `merge` was made here. */
  readonly kind: 'cache' | 'merge';
  readonly files: readonly {
    readonly path: string;
    readonly key: string;
    readonly sizeBytes: number;
  }[];
  readonly source?: ModelSource;
  /** The person wants it kept, whatever else needs room. */
  readonly isPinned?: boolean;
  readonly updatedAtMs: number;
}

/** Where the bytes of a file's chunks lie. */
export type DriverId = 'indexeddb' | 'opfs';

/** A file counts as present only when `isComplete`; chunks of others wait for the rest. */
export interface FileRecord {
  /** Names the content, such as `sha256:…`; models with the same file share it. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
  readonly chunkCount: number;
  /** Every chunk is stored, and a SHA-256 in `key` was found to be that of the bytes. */
  readonly isComplete: boolean;
  readonly driver: DriverId;
  /** Drawn anew when the file begins, so that what an earlier file left behind is never taken for it. */
  readonly generation: string;
  /** The SHA-256 of the first chunks, to go on from. */
  readonly hashed?: { readonly chunkCount: number; readonly state: Uint8Array } | undefined;
  readonly updatedAtMs: number;
  /** The last use, exact to a minute. */
  readonly usedAtMs: number;
}

/** A chunk that can be relied on: its bytes were durable before this record was written. */
export interface ChunkRecord {
  readonly fileKey: string;
  readonly index: number;
  readonly offsetBytes: number;
  /** Only with the driver `indexeddb`. */
  readonly bytes?: ArrayBuffer;
  /** XXH3-128 of the bytes. */
  readonly checksum: string;
}

/** What a merge or evaluation is or was; `data` is plain JSON of its caller. */
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

/** Files that somebody works with; it counts while the Web Lock of its owner is held. */
export interface PinRecord {
  readonly owner: string;
  readonly keys: readonly string[];
}

/** Which driver was faster on this machine. */
export interface DriverMeasurement {
  readonly id: 'driver';
  readonly driver: DriverId;
  readonly measuredAtMs: number;
  /** In 10^6 bytes per second. */
  readonly speeds: Readonly<Partial<Record<DriverId, DriverSpeed>>>;
}

export interface DriverSpeed {
  readonly writeMbPerSecond: number;
  readonly readMbPerSecond: number;
}

export const databaseName = 'mergelab';
export const databaseVersion = 2;

export interface LabSchema extends DBSchema {
  models: { key: string; value: ModelRecord };
  files: { key: string; value: FileRecord };
  chunks: { key: [fileKey: string, index: number]; value: ChunkRecord };
  runs: { key: string; value: RunRecord };
  scores: { key: [modelHash: string, itemSetHash: string, dtype: string]; value: ScoreRecord };
  pins: { key: string; value: PinRecord };
  settings: { key: string; value: DriverMeasurement };
}
