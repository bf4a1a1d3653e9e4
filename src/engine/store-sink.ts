import { FileWriter } from '../store/file-writer';
import type { LabStore } from '../store/lab-store';
import type { OutputFile } from './output-files';

/**
 * Saves a merged checkpoint in the browser's store, where `storedModel` finds it under its id. It is
 * there when all of its files are; a failure or an abort leaves nothing of it.
 *
 * @param id unique among stored models, such as `merge/` and the recipe's hash
 * @throws LabError `store/denied`, `store/quota`, and whatever the streams throw
 */
export async function saveToStore(
  files: readonly OutputFile[],
  store: LabStore,
  id: string,
  label: string,
): Promise<void> {
  const keyOf = (file: OutputFile): string => `${id}/${file.path}`;
  const begun: FileWriter[] = [];
  try {
    for (const file of files) {
      const writer = new FileWriter(store.files, keyOf(file), file.sizeBytes);
      begun.push(writer);
      for await (const bytes of file.stream()) await writer.write(bytes);
      await writer.finish();
    }
    await store.putModel({
      id,
      label,
      kind: 'merge',
      files: files.map((file) => ({
        path: file.path,
        key: keyOf(file),
        sizeBytes: file.sizeBytes,
      })),
    });
  } catch (error) {
    for (const writer of begun) await writer.abort();
    throw error;
  }
}
