import { invariant } from '../core/errors';
import type { LabStore } from '../store/lab-store';
import type { PlacedModel, RunRequest, RunState, RunSummary } from './run-types';

const requestKind = 'merge-run';
const progressKind = 'merge-run-progress';

/** What a run was asked for; never changes but in its title. */
export interface RunEntry {
  readonly id: string;
  /** With the title of the first day, which stands in the output, and without the files of folders. */
  readonly request: RunRequest;
  readonly title: string;
  readonly recipeHash: string;
  readonly createdAtMs: number;
}

/** How far a run is; written by whoever holds its lock. */
export interface RunProgress {
  readonly state: RunState;
  readonly elapsedMs: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly error?: RunSummary['error'];
  readonly notice?: RunSummary['notice'];
}

/** Runs as the store keeps them: request and progress apart, for different hands write them. */
export class RunRecords {
  readonly #store: LabStore;

  constructor(store: LabStore) {
    this.#store = store;
  }

  async putEntry(entry: RunEntry): Promise<void> {
    await this.#store.runs.put({
      id: entry.id,
      kind: requestKind,
      startedAtMs: entry.createdAtMs,
      data: { ...entry, request: withoutFiles(entry.request) },
    });
  }

  async entry(id: string): Promise<RunEntry | undefined> {
    const record = await this.#store.runs.get(id);
    return record?.kind === requestKind ? (record.data as RunEntry) : undefined;
  }

  /** Takes places that will stay what they are for those that were asked for. */
  async keepPlaces(id: string, placed: readonly PlacedModel[]): Promise<void> {
    const entry = await this.entry(id);
    if (entry === undefined) return;
    await this.putEntry({ ...entry, request: { ...entry.request, models: placed } });
  }

  async putProgress(id: string, progress: RunProgress): Promise<void> {
    await this.#store.runs.put({
      id: progressId(id),
      kind: progressKind,
      startedAtMs: Date.now(),
      data: progress,
    });
  }

  async progress(id: string): Promise<RunProgress | undefined> {
    const record = await this.#store.runs.get(progressId(id));
    return record && (record.data as RunProgress);
  }

  /** The newest first. */
  async list(): Promise<{ readonly entry: RunEntry; readonly progress: RunProgress }[]> {
    const records = await this.#store.runs.list();
    const progress = new Map(
      records.flatMap(({ id, kind, data }) =>
        kind === progressKind ? [[id, data as RunProgress]] : [],
      ),
    );
    const entries = records.flatMap(({ kind, data }) =>
      kind === requestKind ? [data as RunEntry] : [],
    );
    entries.sort((a, b) => b.createdAtMs - a.createdAtMs);
    return entries.map((entry) => ({
      entry,
      progress: progress.get(progressId(entry.id)) ?? notBegun,
    }));
  }

  /** Forgets a run; its output is deleted by whoever made it. */
  async remove(id: string): Promise<void> {
    await this.#store.runs.remove(progressId(id));
    await this.#store.runs.remove(id);
  }
}

export const notBegun: RunProgress = {
  state: 'waiting',
  elapsedMs: 0,
  doneBytes: 0,
  totalBytes: 0,
};

function progressId(runId: string): string {
  invariant(!runId.includes('/'), 'ids of runs have no slash');
  return `${runId}/progress`;
}

/** The store would copy picked files whole. */
function withoutFiles(request: RunRequest): RunRequest {
  return {
    ...request,
    models: request.models.map(({ id, place }) => ({
      id,
      place: place.kind === 'folder' ? { ...place, files: [] } : place,
    })),
  };
}
