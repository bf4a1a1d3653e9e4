import { dropArchive } from '../engine/archive-file';
import { dropFromFolder } from '../engine/folder-sink';
import { RunJournal } from '../engine/run-journal';
import type { LabStore } from '../store/lab-store';
import type { RunEntry } from './run-records';
import { runModelId } from './stored-slot';

/** Deletes what a run wrote, whole or not. */
export async function dropOutput(
  entry: RunEntry,
  store: LabStore,
  { keepsZip = false }: { readonly keepsZip?: boolean } = {},
): Promise<void> {
  const { to } = entry.request;
  const journal = await RunJournal.find(store, entry.id);
  if (typeof to !== 'string') {
    if (to.kind === 'directory') await dropFromFolder(journal?.closedPaths ?? [], to);
    else if (!keepsZip) await dropArchive(to);
  }
  await store.deleteModel(runModelId(entry.id));
  await RunJournal.remove(store, entry.id);
}
