import { LabError } from '../core/errors';
import { FileWriter } from '../store/file-writer';
import type { LabStore } from '../store/lab-store';
import type { DriverId, ModelRecord, RunRecord } from '../store/schema';
import type { OutputFile } from './output-files';
import type { RunJournal } from './run-journal';

/** How a save goes on after one that was interrupted, and what it tells meanwhile. */
export interface ResumedSave {
  readonly journal: Pick<RunJournal, 'closedPaths' | 'onClosed' | 'proofRecord'>;
  /** Bytes that are stored: of this file before this save began, or since the last call. */
  readonly onStored: (bytes: number, wasKept: boolean) => void;
}

/**
 * Saves a merged checkpoint in the browser's store, where `storedModel` finds it under its id. It is
 * there when all of its files are.
 *
 * Without `resumed` a failure or an abort leaves nothing of it. With it, what is stored stays, and
 * the next save of the same plan goes on after the last whole chunk. A stored chunk that turns out to
 * be damaged is made again, and what follows it.
 *
 * @param id unique among stored models, such as `merge/` and the recipe's hash
 * @throws LabError `store/denied`, `store/quota`, and whatever the streams throw
 */
export async function saveToStore(
  files: readonly OutputFile[],
  store: LabStore,
  id: string,
  label: string,
  resumed?: ResumedSave,
): Promise<void> {
  const begun: string[] = [];
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const driver = await store.driverFor(totalBytes);
  const remember = async (): Promise<unknown> => store.putModel(recordOf(files, id, label));
  try {
    // An unfinished model is listed too: so its files have an owner, and it can be deleted.
    if (resumed !== undefined) await remember();
    for (const file of files) {
      const key = keyOf(id, file);
      begun.push(key);
      if (resumed === undefined) await writeWhole(file, store, key, driver);
      else await writeRest(file, store, key, resumed, driver);
    }
    await remember();
  } catch (error) {
    if (resumed === undefined) for (const key of begun) await store.files.remove(key);
    throw error;
  }
}

function recordOf(
  files: readonly OutputFile[],
  id: string,
  label: string,
): Omit<ModelRecord, 'updatedAtMs'> {
  const kept = files.map((file) => ({
    path: file.path,
    key: keyOf(id, file),
    sizeBytes: file.sizeBytes,
  }));
  return { id, label, kind: 'merge', files: kept };
}

function keyOf(id: string, { path }: Pick<OutputFile, 'path'>): string {
  return `${id}/${path}`;
}

async function writeWhole(
  file: OutputFile,
  store: LabStore,
  key: string,
  driver: DriverId,
): Promise<void> {
  const writer = new FileWriter(store.files, key, file.sizeBytes, { driver });
  for await (const bytes of file.stream()) await writer.write(bytes);
  await writer.finish();
}

async function writeRest(
  file: OutputFile,
  store: LabStore,
  key: string,
  resumed: ResumedSave,
  driver: DriverId,
): Promise<void> {
  const { journal, onStored } = resumed;
  if (journal.closedPaths.includes(file.path) && (await isIntact(file, store, key))) {
    onStored(file.sizeBytes, true);
    return;
  }
  try {
    await writeAfterKept(file, store, key, resumed, driver);
  } catch (error) {
    if (!isDamageOf(key, error)) throw error;
    // The store has dropped the damaged chunk by now: this goes on before it.
    await writeAfterKept(file, store, key, resumed, driver);
  }
  await journal.onClosed(file.path);
}

/** Whether every chunk is there and is what was written; the disk may have failed meanwhile. */
async function isIntact(
  { sizeBytes }: OutputFile,
  { files }: LabStore,
  key: string,
): Promise<boolean> {
  if (!(await files.has(key))) return false;
  try {
    for (let index = 0; index * files.chunkSizeBytes < sizeBytes; index++) {
      if ((await files.readChunk(key, sizeBytes, index)) === undefined) return false;
    }
    return true;
  } catch (error) {
    if (isDamageOf(key, error)) return false;
    throw error;
  }
}

function isDamageOf(key: string, error: unknown): boolean {
  const isDamage = error instanceof LabError && error.code === 'store/corrupt';
  return isDamage && error.details['file'] === key;
}

async function writeAfterKept(
  file: OutputFile,
  store: LabStore,
  key: string,
  { journal, onStored }: ResumedSave,
  driver: DriverId,
): Promise<void> {
  const { sizeBytes } = file;
  let keptChunks = 0;
  async function* kept(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = await store.files.readChunk(key, sizeBytes, keptChunks);
      if (chunk === undefined) return;
      keptChunks += 1;
      onStored(chunk.byteLength, true);
      yield chunk;
    }
  }
  const alongside = async (): Promise<RunRecord> => journal.proofRecord();
  const begin = (): FileWriter =>
    new FileWriter(store.files, key, sizeBytes, { fromChunk: keptChunks, driver, alongside });
  let writer: FileWriter | undefined;
  for await (const bytes of file.streamAfter?.(kept()) ?? file.stream()) {
    writer ??= begin();
    await writer.write(bytes);
    onStored(bytes.byteLength, false);
  }
  writer ??= begin();
  await writer.finish();
}
