import type { IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';
import { namesSha256 } from './content-hash';
import type { FileRecord, LabSchema } from './schema';

type Upgrade = IDBPTransaction<LabSchema, StoreNames<LabSchema>[], 'versionchange'>;

/** What version 1 knew of a file. */
type FileRecordOfVersion1 = Omit<FileRecord, 'driver' | 'generation' | 'usedAtMs' | 'hashed'>;

/** Brings a database of any older version to the present one, with all that it holds. */
export async function upgradeDatabase(
  database: IDBPDatabase<LabSchema>,
  oldVersion: number,
  transaction: Upgrade,
): Promise<void> {
  if (oldVersion < 1) createVersion1(database);
  if (oldVersion < 2) {
    database.createObjectStore('pins', { keyPath: 'owner' });
    database.createObjectStore('settings', { keyPath: 'id' });
    await describeDrivers(transaction);
  }
}

function createVersion1(database: IDBPDatabase<LabSchema>): void {
  database.createObjectStore('models', { keyPath: 'id' });
  database.createObjectStore('files', { keyPath: 'key' });
  database.createObjectStore('chunks', { keyPath: ['fileKey', 'index'] });
  database.createObjectStore('runs', { keyPath: 'id' });
  database.createObjectStore('scores', { keyPath: ['modelHash', 'itemSetHash', 'dtype'] });
}

/**
 * Version 1 had one driver and did not compare whole files with the SHA-256 they are named by: those
 * lose their `isComplete` until that has been done.
 */
async function describeDrivers(transaction: Upgrade): Promise<void> {
  const files = transaction.objectStore('files');
  for (const found of await files.getAll()) {
    const old: FileRecordOfVersion1 = found;
    await files.put({
      ...old,
      isComplete: old.isComplete && !namesSha256(old.key),
      driver: 'indexeddb',
      generation: crypto.randomUUID(),
      usedAtMs: old.updatedAtMs,
    });
  }
}
