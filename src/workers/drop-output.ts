import { dropFromFolder } from '../engine/folder-sink';
import { RunJournal } from '../engine/run-journal';
import type { LabStore } from '../store/lab-store';
import type { RunEntry } from './run-records';
import { runModelId } from './stored-slot';

/** Deletes what a run wrote, whole or not. */
export async function dropOutput(entry: RunEntry, store: LabStore): Promise<void> {
  const { to } = entry.request;
  const journal = await RunJournal.find(store, entry.id);
  if (to !== 'store') await dropFromFolder(journal?.closedPaths ?? [], to);
  await store.deleteModel(runModelId(entry.id));
  await RunJournal.remove(store, entry.id);
}
