import type { StorageSpace } from './problems';
import type { DriverId, FileRecord, ModelRecord, ModelSource } from './schema';

/** One stored model for the storage panel. */
export interface StoredModel {
  readonly id: string;
  readonly label: string;
  readonly kind: ModelRecord['kind'];
  readonly source?: ModelSource;
  /**
   * Bytes that are on this machine, those of files that are not whole yet included; a file shared by
   * two models counts in both.
   */
  readonly storedBytes: number;
  readonly totalBytes: number;
  readonly isComplete: boolean;
  /** Kept by the person, whatever else needs room. */
  readonly isPinned: boolean;
  /** A merge or evaluation reads it now. */
  readonly isInUse: boolean;
  readonly lastUsedAtMs: number;
  /** Where most of it lies; absent when nothing is stored. */
  readonly driver?: DriverId;
}

/** What is stored and how much room there is; `quotaBytes` is 0 where the browser does not tell. */
export interface StorageDetails extends StorageSpace {
  readonly isAvailable: boolean;
  /** Whether the browser promised not to delete it by itself. */
  readonly isPersisted: boolean;
  /** What is left of the quota; 0 where the browser does not tell. */
  readonly freeBytes: number;
  readonly models: readonly StoredModel[];
  /** Bytes of all files, each once. */
  readonly fileBytes: number;
  /** What eviction would free if it had to free everything it may. */
  readonly evictableBytes: number;
}

/** A file and how many bytes of it are stored. */
export interface StoredFile {
  readonly record: FileRecord;
  readonly storedBytes: number;
}

/** Sums what is stored of each model. */
export function describeModels(
  models: readonly ModelRecord[],
  files: ReadonlyMap<string, StoredFile>,
  keysInUse: ReadonlySet<string>,
): StoredModel[] {
  return models.map((model) => {
    const own = model.files.flatMap(({ key }) => files.get(key) ?? []);
    const largest = own.reduce<StoredFile | undefined>(
      (best, file) => (file.storedBytes > (best?.storedBytes ?? 0) ? file : best),
      undefined,
    );
    return {
      id: model.id,
      label: model.label,
      kind: model.kind,
      ...(model.source === undefined ? {} : { source: model.source }),
      storedBytes: own.reduce((sum, file) => sum + file.storedBytes, 0),
      totalBytes: model.files.reduce((sum, file) => sum + file.sizeBytes, 0),
      isComplete: model.files.every(({ key }) => files.get(key)?.record.isComplete === true),
      isPinned: model.isPinned === true,
      isInUse: model.files.some(({ key }) => keysInUse.has(key)),
      lastUsedAtMs: Math.max(model.updatedAtMs, ...own.map(({ record }) => record.usedAtMs)),
      ...(largest === undefined ? {} : { driver: largest.record.driver }),
    };
  });
}
