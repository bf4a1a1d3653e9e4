import type { LabDatabase } from './database';
import type { FileStore } from './file-store';
import { noise } from './noise';
import type { DriverId, DriverMeasurement, DriverSpeed } from './schema';

/** Models below this size go to IndexedDB: what the other driver could save is not worth measuring. */
const largeModelBytes = 1e9;

/** Browsers and disks change; so long does a measurement count. */
const validForMs = 90 * 24 * 3600 * 1000;

/** Enough that opening and the first pages do not decide. */
const measuredChunkCount = 3;

/** Chooses the driver of large models by what this machine does with a few chunks. */
export class DriverChoice {
  readonly #database: LabDatabase;
  readonly #files: FileStore;
  #measured: Promise<DriverMeasurement> | undefined;

  constructor(database: LabDatabase, files: FileStore) {
    this.#database = database;
    this.#files = files;
  }

  async driverFor(modelBytes: number): Promise<DriverId> {
    if (modelBytes < largeModelBytes || !this.#files.canWrite('opfs')) return 'indexeddb';
    this.#measured ??= this.#find();
    return (await this.#measured).driver;
  }

  /** The last measurement while it counts, else a new one. */
  async #find(): Promise<DriverMeasurement> {
    const known = await this.#database.read(undefined, async (db) => db.get('settings', 'driver'));
    if (known !== undefined && Date.now() - known.measuredAtMs < validForMs) return known;
    const measurement = await measureDrivers(this.#files);
    await this.#database.write(1024, ['settings'] as const, async (transaction) =>
      transaction.objectStore('settings').put(measurement),
    );
    return measurement;
  }
}

/**
 * Writes a few chunks with each driver, with checksums and catalogue as in use, and reads them back.
 * The reads come from the system's cache; those of a merge that follows its download do, too.
 */
export async function measureDrivers(files: FileStore): Promise<DriverMeasurement> {
  const speeds: Partial<Record<DriverId, DriverSpeed>> = {};
  for (const driver of ['indexeddb', 'opfs'] as const) {
    const speed = await measure(files, driver);
    if (speed !== undefined) speeds[driver] = speed;
  }
  const { indexeddb, opfs } = speeds;
  const isFaster =
    opfs !== undefined &&
    (indexeddb === undefined || secondsPerMegabyte(opfs) < secondsPerMegabyte(indexeddb));
  const driver = isFaster ? 'opfs' : 'indexeddb';
  return { id: 'driver', driver, measuredAtMs: Date.now(), speeds };
}

/** A model is written once and read at least once. */
function secondsPerMegabyte({ writeMbPerSecond, readMbPerSecond }: DriverSpeed): number {
  return 1 / writeMbPerSecond + 1 / readMbPerSecond;
}

/** Undefined when the driver does not work, or there is no room for it. */
async function measure(files: FileStore, driver: DriverId): Promise<DriverSpeed | undefined> {
  const key = `measured/${driver}/${crypto.randomUUID()}`;
  const sizeBytes = measuredChunkCount * files.chunkSizeBytes;
  const bytes = noise(files.chunkSizeBytes);
  try {
    const startMs = performance.now();
    for (let index = 0; index < measuredChunkCount; index++) {
      if (!(await files.writeChunk(key, sizeBytes, index, bytes, { driver }))) return undefined;
    }
    const writtenMs = performance.now();
    for (let index = 0; index < measuredChunkCount; index++) {
      await files.readChunk(key, sizeBytes, index, bytes);
    }
    const readMs = performance.now();
    return {
      writeMbPerSecond: sizeBytes / 1e3 / (writtenMs - startMs),
      readMbPerSecond: sizeBytes / 1e3 / (readMs - writtenMs),
    };
  } catch {
    return undefined;
  } finally {
    await files.remove(key).catch(() => undefined);
  }
}
